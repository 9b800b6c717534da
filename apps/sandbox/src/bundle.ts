import { readFile, realpath } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
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

/** ASCII alone, so that the engine keeps the text in single bytes; what removes types leaves odd spaces behind. */
function plain(text: string): string {
  return text.replace(/[^\0-\x7f]/g, (char) =>
    /\s/.test(char) ? " " : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
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

/** A name that a module takes from another; none where it only wants the other to run. */
export interface Need {
  readonly from: string;
  readonly name: string | undefined;
}

/** What one module needs and gives, and its text as the body of a function of `give`. */
export interface Part {
  readonly needs: readonly Need[];
  readonly body: string;
}

/** Names that a module passes on from others. */
export function passedOn(text: string): ReadonlyMap<string, Need> {
  const found = new Map<string, Need>();
  for (const [, list = "", from = ""] of text.matchAll(againForm))
    for (const { local, other } of namesOf(list)) found.set(other, { from, name: local });
  return found;
}

/**
 * Makes a function body of a module written in this house's forms (named imports and exports only, no cycles, no
 * reassigned exports); any other form is refused. `link` gives the expression that stands for a need.
 */
export function partOf(text: string, file: string, link: (need: Need) => string): Part {
  const needs: Need[] = [];
  const given: string[] = [];
  const need = (from: string, name: string | undefined) => {
    needs.push({ from, name });
    return link({ from, name });
  };
  const body = text
    .replace(importForm, (_, list: string, from: string) =>
      namesOf(list)
        .map(({ local, other }) => `const ${other} = ${need(from, local)};`)
        .join(" "),
    )
    .replace(bareForm, (_, from: string) => `${need(from, undefined)};`)
    .replace(againForm, (_, list: string, from: string) =>
      namesOf(list)
        .map(({ local, other }) => `give.${other} = ${need(from, local)};`)
        .join(" "),
    )
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

/** Makes one script of the modules that an entry needs. */
class Bundle {
  readonly #texts = new Map<string, string>();
  readonly #places = new Map<string, number>();
  readonly #parts: string[] = [];

  async #text(url: string): Promise<string> {
    const known = this.#texts.get(url);
    if (known !== undefined) return known;
    const written = await readFile(fileURLToPath(url), "utf8");
    if (/[^\0-\x7f]/.test(written.replace(/\S/g, ""))) throw new Error(`Cannot bundle "${url}": odd space`);
    const text = plain(strip(written));
    this.#texts.set(url, text);
    return text;
  }

  /** The module that declares a name, and its name there: modules that only pass it on are left out. */
  async #origin({ from, name }: Need, url: string): Promise<{ url: string; name: string | undefined }> {
    const target = await urlOf(from, url);
    const passed = name === undefined ? undefined : passedOn(await this.#text(target)).get(name);
    return passed ? await this.#origin(passed, target) : { url: target, name };
  }

  async add(url: string): Promise<void> {
    if (this.#places.has(url)) return;
    const text = await this.#text(url);
    const links = new Map<string, string>();
    const key = ({ from, name }: Need) => `${from} ${name}`;
    for (const need of partOf(text, url, () => "").needs)
      if (need.from.startsWith("node:")) links.set(key(need), `late("${need.from}").${need.name}`);
      else {
        const origin = await this.#origin(need, url);
        await this.add(origin.url);
        const given = `given[${this.#places.get(origin.url)}]`;
        links.set(key(need), origin.name === undefined ? given : `${given}.${origin.name}`);
      }
    const { body } = partOf(text, url, (need) => links.get(key(need)) ?? "");
    this.#places.set(url, this.#parts.length);
    this.#parts.push(`((give) => {${body}\n})(given[${this.#parts.length}] = {});`);
  }

  get text(): string {
    const head = ['"use strict";', "const given = [];", `const late = ${lateBuiltin.toString()};`];
    return [...head, ...this.#parts].join("\n");
  }
}

/** The module of this file and every one below it as one ASCII script without types. */
export async function bundle(file: string): Promise<string> {
  const made = new Bundle();
  await made.add(pathToFileURL(await realpath(file)).href);
  return made.text;
}
