import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("src/", import.meta.url));
const modules = fileURLToPath(new URL("../../node_modules/", import.meta.url));

/** Every file that the page is made of, with what it is built by. */
function sourcesOf(dir: string): string[] {
  const found = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name));
  return files.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** A digest of the sources: two pages with the same digest are the same page. */
export function pageDigest(): string {
  const hash = createHash("sha256");
  const client = realpathSync(join(modules, "@skep/http-client"));
  for (const path of [...sourcesOf(root), ...sourcesOf(client), fileURLToPath(import.meta.url)])
    hash
      .update(path.slice(root.length))
      .update("\0")
      .update(createHash("sha256").update(readFileSync(path)).digest());
  return hash.digest("hex").slice(0, 16);
}

/** Where the built page is kept, built or not: a published package has it instead of its sources. */
export function pageDir(): string {
  if (!existsSync(root)) return fileURLToPath(new URL("dist", import.meta.url));
  return join(modules, ".cache", "skep-ui", pageDigest());
}

/** Whether the page in a directory is whole. */
export function isBuilt(dir: string = pageDir()): boolean {
  return existsSync(join(dir, "index.html"));
}

/** Builds the page into a directory, which appears whole or not at all. */
export function bundle(dir: string = pageDir()): Promise<string> {
  return make(root, dir);
}

/** Builds the page that measures frames: `measure({machines, perSecond, seconds})` in it draws a made-up hive. */
export function bundleMeasure(dir: string): Promise<string> {
  return make(join(root, "measure"), dir);
}

// Compressed once and here: a daemon that does it holds its loop for as long.
function zip(dir: string): void {
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
  }
}

// What the page begins with is one file and not five: each costs a connection and a turn of the daemon.
function isFirst(id: string): boolean {
  return /\0vite\/preload|\/preact\/|\/http-client\/|\/src\/(state|palette|parts\/(basic|context|drop|problem|recordings|views|words))/.test(
    id,
  );
}

async function make(from: string, dir: string): Promise<string> {
  const { build } = await import("vite");
  const made = `${dir}.${process.pid}`;
  mkdirSync(dirname(dir), { recursive: true });
  try {
    await build({
      root: from,
      configFile: false,
      logLevel: "warn",
      publicDir: false,
      resolve: { alias: { "node:buffer": join(root, "console/node-buffer.ts") } },
      oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
      build: {
        outDir: made,
        emptyOutDir: true,
        target: "es2022",
        // Nothing is inlined: the page's policy allows no data: scripts and no inline styles.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        chunkSizeWarningLimit: 1500,
        reportCompressedSize: false,
        rolldownOptions: { output: { codeSplitting: { groups: [{ name: "first", test: isFirst }] } } },
      },
    });
    zip(made);
    rmSync(dir, { recursive: true, force: true });
    renameSync(made, dir);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return dir;
}
