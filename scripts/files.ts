// The TypeScript sources of the repository, and what each imports.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const roots = ["lib", "kernel", "providers", "edges", "apps", "testing", "bench", "scripts", "examples"];

function walk(dir: string): string[] {
  let entries: ReturnType<typeof read>;
  try {
    entries = read(dir);
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    if (entry.name === "node_modules" || entry.name === "testdata") return [];
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory()) return walk(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

function read(dir: string) {
  return readdirSync(join(root, dir), { withFileTypes: true });
}

/** Paths relative to the repository's root, sorted. */
export function sources(): string[] {
  return roots.flatMap(walk).sort();
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

const importPattern =
  /^\s*(?:import|export)\s[^;'"]*?from\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;

/** Specifiers that a file imports, in order. */
export function importsOf(text: string): string[] {
  return [...text.matchAll(importPattern)].map((found) => found[1] ?? found[2] ?? found[3] ?? "");
}
