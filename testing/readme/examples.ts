import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The repository that this file lies in. */
export const root: string = resolve(import.meta.dirname, "../..");

/** The directories of all packages of a repository, relative to it. */
export function packagesOf(repository: string): string[] {
  const manifest = readFileSync(join(repository, "package.json"), "utf8");
  const { workspaces } = JSON.parse(manifest) as { workspaces: string[] };
  const found = workspaces.flatMap((pattern) => globSync(`${pattern}/package.json`, { cwd: repository }));
  return found.map((path) => dirname(path)).sort();
}

/** What came of an example. */
export interface Example {
  readonly code: number;
  /** What it wrote to stderr, its error included. */
  readonly said: string;
}

/** The fenced `ts` blocks of a Markdown text, in order. */
export function examplesIn(markdown: string): string[] {
  return [...markdown.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((found) => found[1] ?? "");
}

/**
 * Runs an example as a module of its own in a process of its own, as if it stood in a file of that directory: packages
 * are found from there. Ended after so many milliseconds.
 */
export function runExample(source: string, directory: string, within: number): Promise<Example> {
  const args = ["--input-type=module-typescript", "--disable-warning=ExperimentalWarning", "-"];
  const child = spawn(process.execPath, args, { cwd: directory, stdio: ["pipe", "ignore", "pipe"] });
  const said: Buffer[] = [];
  child.stderr.on("data", (data: Buffer) => said.push(data));
  child.stdin.end(source);
  const late = setTimeout(() => child.kill("SIGKILL"), within);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(late);
      resolve({ code: code ?? 137, said: Buffer.concat(said).toString() });
    });
  });
}
