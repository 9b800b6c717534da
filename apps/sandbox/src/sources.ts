import { execFile } from "node:child_process";
import { readFile, realpath } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

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

interface Names {
  readonly local: string;
  readonly other: string;
}

function namesOf(list: string): Names[] {
  return list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "")
    .map((item) => {
      const [local = "", other = local] = item.split(/\s+as\s+/);
      return { local, other };
    });
}

const importForm = /^import\s*\{([^}]*)\}\s*from\s*"([^"]+)";/gm;
const bareForm = /^import\s*"([^"]+)";/gm;
const againForm = /^export\s*\{([^}]*)\}\s*from\s*"([^"]+)";/gm;
const listForm = /^export\s*\{([^}]*)\};/gm;
const declaredForm = /^export (const|function\*?|async function\*?|class) ([\w$]+)/gm;

/** What one module needs and gives, and its text as the body of a function of `need` and `give`. */
export interface Part {
  readonly needs: readonly string[];
  readonly body: string;
}

/**
 * Makes a function body of a module written in this house's forms (named imports and exports only, no cycles, no
 * reassigned exports); any other form is refused.
 */
export function partOf(text: string, file: string): Part {
  const needs: string[] = [];
  const given: string[] = [];
  const need = (specifier: string) => {
    needs.push(specifier);
    return `need(${JSON.stringify(specifier)})`;
  };
  const body = text
    .replace(importForm, (_, list: string, specifier: string) => {
      const names = namesOf(list).map(({ local, other }) => `${local}: ${other}`);
      return `const { ${names.join(", ")} } = ${need(specifier)};`;
    })
    .replace(bareForm, (_, specifier: string) => `${need(specifier)};`)
    .replace(againForm, (_, list: string, specifier: string) => {
      const names = namesOf(list);
      const from = need(specifier);
      return names.map(({ local, other }) => `give.${other} = ${from}.${local};`).join(" ");
    })
    .replace(listForm, (_, list: string) => {
      for (const { local, other } of namesOf(list)) given.push(`give.${other} = ${local};`);
      return "";
    })
    .replace(declaredForm, (_, word: string, name: string) => {
      given.push(`give.${name} = ${name};`);
      return `${word} ${name}`;
    });
  const odd = /^(import|export)\b.*/m.exec(body);
  if (odd) throw new Error(`Cannot bundle "${file}": form "${odd[0]}"`);
  return { needs, body: `${body}\n${given.join("\n")}` };
}

/**
 * A built-in module whose functions are fetched when first called: loading node:crypto alone takes as long as starting
 * Node, and few jobs draw chance.
 */
function lateBuiltin(name: string): unknown {
  if (name === "node:fs") return process.getBuiltinModule(name);
  const call = (of: string) => {
    return (...args: unknown[]) =>
      (process.getBuiltinModule(name) as Record<string, (...args: unknown[]) => unknown>)[of]?.(...args);
  };
  return new Proxy({}, { get: (_, of) => call(String(of)) });
}

/** The bytes of `runnerSources`, made in this thread. */
export async function collectSources(): Promise<Buffer> {
  const entry = pathToFileURL(join(import.meta.dirname, "runner.ts")).href;
  const parts = new Map<string, string>();
  const order: string[] = [];
  async function visit(url: string): Promise<void> {
    if (parts.has(url)) return;
    const { needs, body } = partOf(strip(await readFile(fileURLToPath(url), "utf8")), url);
    const targets: Record<string, number> = {};
    parts.set(url, "");
    for (const specifier of new Set(needs)) {
      if (specifier.startsWith("node:")) continue;
      const target = await urlOf(specifier, url);
      await visit(target);
      targets[specifier] = order.indexOf(target);
    }
    const map = JSON.stringify(targets);
    parts.set(
      url,
      `((need, give) => {${body}\n})((name) => from(${map}, name), given[${order.length}] = {});`,
    );
    order.push(url);
  }
  await visit(entry);
  const text = [
    '"use strict";',
    "const given = [];",
    `const late = ${lateBuiltin.toString()};`,
    'const from = (map, name) => name.startsWith("node:") ? late(name) : given[map[name]];',
    ...order.map((url) => parts.get(url) ?? ""),
  ].join("\n");
  const body = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(body.length);
  return Buffer.concat([head, body]);
}

// In a process that ends: what removes types takes 30 MB, which would stay in the worker for ever, after a thread too.
function collectApart(): Promise<Buffer> {
  const program = fileURLToPath(new URL("./sources-main.ts", import.meta.url));
  const options = { encoding: "buffer", env: {}, maxBuffer: 16 * 1024 * 1024 } as const;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program], options, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
  });
}

let collected: Promise<Buffer> | undefined;

/**
 * What the boot code of a runner reads first: its length as u32 LE, then the runner and every module below it as one
 * script without types. Loading thirty modules one by one would double the time that a process needs to start.
 */
export function runnerSources(): Promise<Buffer> {
  collected ??= collectApart();
  return collected;
}
