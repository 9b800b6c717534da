import { Fault } from "@skep/fault";
import { suggest } from "@skep/text";
import { parse, TomlError } from "smol-toml";
import { type Field, fields, gpuFields, type Problem, type Rules, rulesOf } from "./rules.ts";
import { isWrong } from "./units.ts";

/** A longer file is none that a person wrote. */
const mostCharacters = 64 * 1024;

interface Place {
  readonly line: number;
  readonly column: number;
}

const start: Place = { line: 1, column: 1 };

function bare(dotted: string): string {
  return dotted
    .split(".")
    .map((part) => part.trim().replace(/^["']|["']$/g, ""))
    .join(".");
}

/** Where each key and table stands: the parser tells places of its own errors only. */
function placesOf(text: string): ReadonlyMap<string, Place> {
  const found = new Map<string, Place>();
  let table = "";
  for (const [at, line] of text.split("\n").entries()) {
    const header = /^\s*\[+([^\]]+)\]/.exec(line)?.[1];
    const [all = "", indent = "", key] = /^(\s*)([\w"'.\s-]+?)\s*=/.exec(line) ?? [];
    const column = (all === "" ? (/\S/.exec(line)?.index ?? 0) : indent.length) + 1;
    if (header !== undefined) table = bare(header);
    const name = header === undefined ? [table, bare(key ?? "")].filter(Boolean).join(".") : table;
    if ((header !== undefined || key !== undefined) && !found.has(name))
      found.set(name, { line: at + 1, column });
  }
  return found;
}

/** The place of a key, else of the table in which it stands. */
function placeOf(places: ReadonlyMap<string, Place>, key: string): Place {
  for (let known = key; known !== ""; known = known.slice(0, Math.max(0, known.lastIndexOf(".")))) {
    const place = places.get(known);
    if (place) return place;
  }
  return start;
}

type Table = Readonly<Record<string, unknown>>;

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}

class Reader {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #places: ReadonlyMap<string, Place>;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#places = placesOf(text);
  }

  complain(key: string, message: string, cure: string): void {
    this.problems.push({ file: this.#file, ...placeOf(this.#places, key), message, cure });
  }

  /** The values of one table that are understood, by their key. */
  table(value: unknown, prefix: string, known: readonly Field[]): Map<string, unknown> {
    const found = new Map<string, unknown>();
    if (!isTable(value)) {
      this.complain(prefix, `${prefix} is no table`, `Write [${prefix}] on a line of its own`);
      return found;
    }
    for (const [name, one] of Object.entries(value)) {
      const key = `${prefix}.${name}`;
      const field = known.find((each) => each.key === name);
      const read = field?.read(one);
      if (!field)
        this.unknown(
          key,
          name,
          known.map((each) => each.key),
        );
      else if (isWrong(read)) this.complain(key, `${key}: ${read.wrong}`, read.cure);
      else found.set(name, read);
    }
    return found;
  }

  unknown(key: string, name: string, names: readonly string[]): void {
    const [near] = suggest(name, names);
    const cure = near !== undefined ? `Did you mean ${near}?` : `There is ${names.join(", ")}`;
    this.complain(key, `${key} is no rule`, cure);
  }
}

const tables = [...new Set(fields.map(({ key }) => key.split(".")[0] ?? ""))];

function readTables(document: Table, reader: Reader): Rules {
  const values = new Map<string, unknown>();
  const gpus: Record<string, Map<string, unknown>> = {};
  for (const [name, value] of Object.entries(document)) {
    if (name === "gpu" && isTable(value))
      for (const [gpu, rules] of Object.entries(value))
        gpus[gpu] = reader.table(rules, `gpu.${gpu}`, gpuFields);
    else if (!tables.includes(name)) reader.unknown(name, name, [...tables, "gpu"]);
    else {
      const own = fields.filter(({ key }) => key.startsWith(`${name}.`));
      const known = own.map((one) => ({ ...one, key: one.key.slice(name.length + 1) }));
      for (const [key, read] of reader.table(value, name, known)) values.set(`${name}.${key}`, read);
    }
  }
  return rulesOf(values, gpus);
}

/** Reads the text of an `owner.toml`: its rules, or everything that is wrong with it, each with its place and cure. */
export function checkOwner(
  text: string,
  file: string,
): { readonly rules: Rules; readonly problems: readonly [] } | { readonly problems: readonly Problem[] } {
  if (text.length > mostCharacters) {
    const message = `it has more than ${mostCharacters} characters`;
    return { problems: [{ file, ...start, message, cure: "Make it shorter" }] };
  }
  const reader = new Reader(file, text);
  try {
    const rules = readTables(parse(text) as Table, reader);
    return reader.problems.length === 0 ? { rules, problems: [] } : { problems: reader.problems };
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const message = thrown.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    const cure = "Correct that line; `skep owner init` shows a file that is right";
    return { problems: [{ file, line: thrown.line, column: thrown.column, message, cure }] };
  }
}

/** A problem on one line: `owner.toml:3:1: …`. */
export function printProblem({ file, line, column, message, cure }: Problem): string {
  return `${file}:${line}:${column}: ${message} (${cure})`;
}

/** The same, for rules that must be right. Throws `owner.rules` with the first problem, its place and its cure. */
export function parseOwner(text: string, file: string): Rules {
  const checked = checkOwner(text, file);
  if ("rules" in checked) return checked.rules;
  const [first] = checked.problems;
  const { line, column, message, cure } = first ?? { ...start, message: "", cure: "" };
  const more = checked.problems.length > 1 ? ` (and ${checked.problems.length - 1} more)` : "";
  throw new Fault("invalid", "owner.rules", `Cannot read ${file}:${line}:${column}: ${message}${more}`, {
    cure,
  });
}
