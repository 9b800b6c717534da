// Layer rules: imports point down, packages are entered by name through mod.ts, no cycles, no ambient chance.
import { posix } from "node:path";
import { importsOf, sources, textOf } from "./files.ts";

type Tier = "lib" | "kernel" | "providers" | "edges" | "apps" | "testing" | "bench" | "scripts" | "examples";
const below: Record<Tier, readonly Tier[]> = {
  lib: ["lib"],
  kernel: ["lib"],
  providers: ["lib", "kernel"],
  edges: ["lib", "kernel"],
  apps: ["lib", "kernel", "providers", "edges", "apps"],
  testing: ["lib", "kernel", "providers", "edges", "apps"],
  bench: ["lib", "kernel", "providers", "edges", "apps", "testing"],
  scripts: ["lib", "kernel", "providers", "edges", "apps", "testing"],
  examples: ["lib", "kernel", "providers", "edges", "apps", "testing"],
};

const flat = ["kernel", "testing", "bench", "scripts", "examples"];
const isTest = (path: string) => path.endsWith(".test.ts");
const tierOf = (path: string) => path.split("/")[0] as Tier;

function packageOf(path: string): string {
  const parts = path.split("/");
  return flat.includes(parts[0] ?? "") ? (parts[0] ?? "") : parts.slice(0, 2).join("/");
}

function names(paths: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const dir of new Set(paths.map(packageOf)))
    try {
      found.set((JSON.parse(textOf(`${dir}/package.json`)) as { name: string }).name, dir);
    } catch {
      // scripts and examples are no packages
    }
  return found;
}

const paths = sources();
const packages = names(paths);
const problems: string[] = [];
const edges = new Map<string, Set<string>>();
const fileEdges = new Map<string, string[]>();

function complain(path: string, text: string): void {
  problems.push(`${path}: ${text}`);
}

function checkNamed(path: string, spec: string): void {
  const dir = packages.get(spec);
  if (!dir) {
    complain(path, `imports "${spec}", which is no package's name; enter packages through mod.ts`);
    return;
  }
  const from = packageOf(path);
  if (isTest(path) && (tierOf(dir) === "testing" || tierOf(dir) === tierOf(path))) return;
  if (!below[tierOf(path)].includes(tierOf(dir)) && !isTest(path))
    complain(path, `${tierOf(path)} may not import ${tierOf(dir)} ("${spec}")`);
  if (isTest(path)) return;
  if (from === dir) complain(path, "imports its own package by name; use a relative path");
  edges.set(from, (edges.get(from) ?? new Set()).add(dir));
}

function checkRelative(path: string, spec: string): void {
  const target = posix.join(posix.dirname(path), spec);
  if (packageOf(target) !== packageOf(path)) complain(path, `reaches into another package ("${spec}")`);
  if (!isTest(path)) fileEdges.set(path, [...(fileEdges.get(path) ?? []), target]);
}

function findCycle(graph: Map<string, Iterable<string>>): string[] | undefined {
  const done = new Set<string>();
  const trail: string[] = [];
  function visit(node: string): string[] | undefined {
    if (done.has(node)) return undefined;
    const at = trail.indexOf(node);
    if (at >= 0) return [...trail.slice(at), node];
    trail.push(node);
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next);
      if (cycle) return cycle;
    }
    trail.pop();
    done.add(node);
    return undefined;
  }
  for (const node of graph.keys()) {
    const cycle = visit(node);
    if (cycle) return cycle;
  }
  return undefined;
}

const chance = /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b|\bgetRandomValues\b|\brandomInt\b/;
function checkChance(path: string, text: string): void {
  if (isTest(path) || !["lib", "kernel", "providers"].includes(tierOf(path))) return;
  if (chance.test(text)) complain(path, "draws chance itself; chance comes in by argument");
}

function checkDocs(path: string, text: string): void {
  if (!path.endsWith("/mod.ts")) return;
  const lines = text.split("\n");
  for (const [at, line] of lines.entries()) {
    if (!/^export (async )?(function|const|class|interface|type) \w/.test(line)) continue;
    if (!/\*\/\s*$/.test(lines[at - 1] ?? "")) complain(`${path}:${at + 1}`, "export without a doc comment");
  }
}

for (const path of paths) {
  const text = textOf(path);
  for (const spec of importsOf(text)) {
    if (spec.startsWith(".")) checkRelative(path, spec);
    else if (spec.startsWith("@skep/")) checkNamed(path, spec);
    if (spec.startsWith("pixi") && !path.startsWith("edges/ui/src/stage/"))
      complain(path, "only the UI's stage knows PixiJS");
  }
  checkChance(path, text);
  checkDocs(path, text);
}
for (const graph of [edges, fileEdges]) {
  const cycle = findCycle(graph);
  if (cycle) problems.push(`cycle: ${cycle.join(" → ")}`);
}
for (const problem of problems) console.error(problem);
console.error(`layers: ${paths.length} files, ${problems.length} problems`);
process.exit(problems.length ? 1 : 0);
