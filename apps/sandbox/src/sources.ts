import { readFile, realpath } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const specifiers = /\b(from|import)(\s*)"([^"\n]+)"/g;

/** Removes the types without Node's notice that doing so is experimental. */
function strip(text: string): string {
  const emit = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emit;
  }
}

async function urlOf(specifier: string, from: string): Promise<string> {
  const url = specifier.startsWith(".") ? new URL(specifier, from).href : import.meta.resolve(specifier);
  return pathToFileURL(await realpath(fileURLToPath(url))).href;
}

async function collect(): Promise<Buffer> {
  const entry = pathToFileURL(join(import.meta.dirname, "runner.ts")).href;
  const names = new Map([[entry, "skep:runner"]]);
  const sources: Record<string, string> = {};
  for (const [url, name] of names) {
    const text = strip(await readFile(fileURLToPath(url), "utf8"));
    const targets = new Map<string, string>();
    for (const [, , , specifier = ""] of text.matchAll(specifiers)) {
      if (specifier.startsWith("node:")) continue;
      const target = await urlOf(specifier, url);
      if (!names.has(target)) names.set(target, `skep:${names.size}`);
      targets.set(specifier, names.get(target) ?? "");
    }
    sources[name] = text.replace(specifiers, (whole, word: string, gap: string, specifier: string) =>
      targets.has(specifier) ? `${word}${gap}"${targets.get(specifier)}"` : whole,
    );
  }
  const body = Buffer.from(JSON.stringify(sources));
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
}

let collected: Promise<Buffer> | undefined;

/** What the boot code of a runner reads first: the runner and every module below it, types removed, as one JSON object. */
export function runnerSources(): Promise<Buffer> {
  collected ??= collect();
  return collected;
}
