import { parse, TomlError } from "smol-toml";
import { problem } from "./faults.ts";

/** One value of a TOML file, by its dotted key. */
export interface Leaf {
  readonly key: string;
  readonly value: unknown;
  readonly line: number | undefined;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}

function* leavesOf(table: Readonly<Record<string, unknown>>, prefix: string): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(table)) {
    if (isTable(value)) yield* leavesOf(value, `${prefix}${name}.`);
    else yield [prefix + name, value];
  }
}

const keyPart = /"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+/g;

function dotted(text: string): string {
  return (text.match(keyPart) ?? []).map((part) => part.replace(/^["']|["']$/g, "")).join(".");
}

const name = String.raw`(?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)`;
const keyLine = new RegExp(String.raw`^\s*(${name}(?:\s*\.\s*${name})*)\s*=`);
const headerLine = /^\s*\[{1,2}([^\]]+)\]{1,2}\s*(#.*)?$/;

/** The fence of the multi-line string that is open behind this line, or nothing. */
function fenceAfter(line: string, open: string): string {
  let fence = open;
  for (const [each] of line.matchAll(/"""|'''/g)) {
    if (fence === "") fence = each;
    else if (each === fence) fence = "";
  }
  return fence;
}

/** The line of each key: the parser tells lines of its own errors only. */
export function linesOf(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let table = "";
  let fence = "";
  for (const [at, line] of text.split("\n").entries()) {
    if (fence === "") {
      const header = headerLine.exec(line)?.[1];
      const key = keyLine.exec(line)?.[1];
      if (header !== undefined) table = dotted(header);
      else if (key !== undefined) found.set([table, dotted(key)].filter(Boolean).join("."), at + 1);
    }
    fence = fenceAfter(line, fence);
  }
  return found;
}

/** The values of a TOML text. Faults: `config.syntax` with file, line and what is wrong there. */
export function readToml(text: string, path: string): readonly Leaf[] {
  try {
    const lines = linesOf(text);
    return [...leavesOf(parse(text), "")].map(([key, value]) => {
      // An inline table has one line for all its keys.
      let known = key;
      while (!lines.has(known) && known.includes(".")) known = known.slice(0, known.lastIndexOf("."));
      return { key, value, line: lines.get(known) };
    });
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const what = thrown.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "");
    const text = `Cannot read ${path} line ${thrown.line}, column ${thrown.column}: ${what}`;
    throw problem("syntax", text, "Correct that line; skep config doc shows every setting", thrown);
  }
}
