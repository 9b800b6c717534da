// Every package lists under `dependencies` exactly what its sources import: packages of this repository as `*`, others
// with the version that the root pins. Tests are not published and count for nothing. `--write` brings them in line.
import { readdirSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { importsOf, root, sources, textOf } from "./files.ts";

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly workspaces?: readonly string[];
}

const read = (path: string): Manifest => JSON.parse(textOf(path)) as Manifest;

function packageDirs({ workspaces = [] }: Manifest): string[] {
  return workspaces.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) return [pattern];
    const above = pattern.slice(0, -2);
    const entries = readdirSync(join(root, above), { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${above}/${name}`);
  });
}

/** The package of a specifier: `@scope/name/part` is of `@scope/name`. */
function packageName(spec: string): string {
  return spec.split("/", spec.startsWith("@") ? 2 : 1).join("/");
}

function isForeign(spec: string): boolean {
  return !spec.startsWith(".") && !spec.startsWith("node:") && !builtinModules.includes(spec);
}

/** What a text imports, and what it finds the place of by name. */
function specifiersOf(text: string): string[] {
  const resolved = text.matchAll(/\bimport\.meta\.resolve\("([^"]+)"\)/g);
  return [...importsOf(text), ...[...resolved].map((found) => found[1] ?? "")];
}

function importedBy(dir: string, own: string): string[] {
  const files = sources().filter((path) => path.startsWith(`${dir}/`) && !path.endsWith(".test.ts"));
  const specs = files.flatMap((path) => specifiersOf(textOf(path))).filter(isForeign);
  return [...new Set(specs.map(packageName))].filter((name) => name !== own).sort();
}

const top = read("package.json");
const dirs = packageDirs(top);
const local = new Set(dirs.map((dir) => read(`${dir}/package.json`).name));
const pinned = { ...top.devDependencies, ...top.dependencies };
const problems: string[] = [];

function versionOf(name: string, dir: string): string {
  const version = local.has(name) ? "*" : pinned[name];
  if (version === undefined) problems.push(`${dir}: imports "${name}", which the root does not pin`);
  return version ?? "";
}

for (const dir of dirs) {
  const path = `${dir}/package.json`;
  const { dependencies = {}, ...rest } = read(path);
  const wanted = Object.fromEntries(importedBy(dir, rest.name).map((name) => [name, versionOf(name, dir)]));
  if (JSON.stringify(wanted) === JSON.stringify(dependencies)) continue;
  const whole = Object.keys(wanted).length === 0 ? rest : { ...rest, dependencies: wanted };
  if (process.argv.includes("--write"))
    writeFileSync(join(root, path), `${JSON.stringify(whole, undefined, 2)}\n`);
  else
    problems.push(
      `${path}: dependencies are not what it imports (${Object.keys(wanted).join(", ") || "nothing"}); run node scripts/deps.ts --write`,
    );
}
for (const problem of problems) console.error(problem);
console.error(`deps: ${dirs.length} packages, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
