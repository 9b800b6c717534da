import type { Fault } from "@skep/fault";
import { suggest } from "@skep/text";
import type { ArgSpec, Command, FlagSpec } from "./command.ts";
import { fault } from "./faults.ts";
import { family, findCommand, flagsOf, globalFlags, nextWords, type Program } from "./program.ts";
import { parseValue } from "./values.ts";

/** A command line, read. With a `fault` the rest is what could be understood: enough to show it as JSON or not. */
export interface Parsed {
  readonly words: readonly string[];
  readonly command: Command | undefined;
  readonly args: Readonly<Record<string, unknown>>;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly globals: Readonly<Record<string, unknown>>;
  readonly fault: Fault | undefined;
}

interface Reader {
  readonly program: Program;
  readonly tokens: readonly string[];
  at: number;
  readonly words: string[];
  command: Command | undefined;
  readonly positional: string[];
  readonly set: Map<string, string[]>;
  readonly globals: Map<string, string[]>;
  fault: Fault | undefined;
}

const isNumber = (token: string) => /^-\d/.test(token);
const isFlag = (token: string) => token.startsWith("-") && token.length > 1 && !isNumber(token);

/** Keeps the first thing that is wrong; reading goes on, so that `--json` and `--help` behind it are heard. */
function note(reader: Reader, made: Fault | undefined): void {
  reader.fault ??= made;
}

/** `Did you mean "ls"?`, or the page that helps. */
function cure(program: Program, word: string, known: Iterable<string>, page: string, show = ""): string {
  const near = suggest(word, known).map((each) => `"${show}${each}"`);
  const meant = near.length > 0 ? `Did you mean ${near.join(" or ")}? ` : "";
  return `${meant}See ${[program.name, "help", page].filter(Boolean).join(" ")}`;
}

function readWord(reader: Reader, token: string): Fault | undefined {
  const { program, words } = reader;
  const next = [...words, token];
  if (family(program, next).length === 0) {
    const show = [program.name, ...words, ""].join(" ");
    const near = cure(program, token, nextWords(program, words), words.join(" "), show);
    return fault.command(next.join(" "), { cure: near });
  }
  words.push(token);
  reader.command = findCommand(program, words);
  return undefined;
}

function lookUp(
  reader: Reader,
  name: string,
): readonly [string, FlagSpec, Map<string, string[]>] | undefined {
  const tables = [
    [globalFlags as Readonly<Record<string, FlagSpec>>, reader.globals],
    [reader.command ? flagsOf(reader.command) : {}, reader.set],
  ] as const;
  for (const [table, into] of tables) {
    if (name.startsWith("--")) {
      const spec = Object.hasOwn(table, name.slice(2)) ? table[name.slice(2)] : undefined;
      if (spec) return [name.slice(2), spec, into];
      continue;
    }
    const found = Object.entries(table).find(([, { short }]) => short === name.slice(1));
    if (found) return [...found, into];
  }
  return undefined;
}

function unknownFlag(reader: Reader, name: string): Fault {
  const { program, command, words } = reader;
  const known = [...Object.keys(globalFlags), ...Object.keys(command ? flagsOf(command) : {})];
  const extra = reader.words.length === 0 ? "; the flags of a command stand behind its name" : "";
  const near = cure(program, name.replace(/^-+/, ""), known, words.join(" "), "--");
  return fault.flag(name, { cure: near + extra });
}

function readFlag(reader: Reader, token: string): Fault | undefined {
  const [, name = token, inline] = /^(--[^=]*|-[^=])(?:=(.*))?$/s.exec(token) ?? [];
  const found = lookUp(reader, name);
  if (!found) return unknownFlag(reader, name);
  const [key, spec, into] = found;
  if (spec.kind === "boolean") {
    if (inline !== undefined) return fault.takesNone(name, { cure: `Write ${name} alone, or leave it out` });
    into.set(key, ["true"]);
    return undefined;
  }
  const following = reader.tokens[reader.at];
  if (inline === undefined && (following === undefined || isFlag(following)))
    return fault.needsValue(name, { cure: `Write ${name}=${spec.value ?? key.toUpperCase()}` });
  into.set(key, [...(spec.repeat ? (into.get(key) ?? []) : []), inline ?? following ?? ""]);
  if (inline === undefined) reader.at++;
  return undefined;
}

function readTokens(reader: Reader): void {
  const { tokens } = reader;
  while (reader.at < tokens.length) {
    const token = tokens[reader.at] ?? "";
    reader.at++;
    if (token === "--") {
      reader.positional.push(...tokens.slice(reader.at));
      return;
    }
    if (isFlag(token)) note(reader, readFlag(reader, token));
    else if (!reader.command) {
      if (reader.fault?.code !== "cli.command") note(reader, readWord(reader, token));
    } else {
      reader.positional.push(token);
      if (!reader.command.passthrough) continue;
      reader.positional.push(...tokens.slice(reader.at));
      return;
    }
  }
}

function readValue(reader: Reader, spec: ArgSpec | FlagSpec, name: string, text: string): unknown {
  if (spec.kind === "boolean") return text === "true";
  const read = parseValue(spec.kind, text, spec);
  if (read.ok) return read.value;
  const near = suggest(text, spec.choices ?? []).map((each) => `"${each}"`);
  const meant = near.length > 0 ? `Did you mean ${near.join(" or ")}? ` : "";
  note(reader, fault.value(text, { cure: `${meant}${name} takes ${read.expected}` }));
  return undefined;
}

function usageCure(reader: Reader): string {
  return `See ${[reader.program.name, "help", ...reader.words].join(" ")}`;
}

function readArgs(reader: Reader, command: Command): Record<string, unknown> {
  const left = [...reader.positional];
  const args: Record<string, unknown> = {};
  for (const spec of command.args) {
    const label = spec.name.toUpperCase();
    if (left.length === 0 && !spec.optional)
      note(reader, fault.missing(label, { cure: `${spec.doc}. ${usageCure(reader)}` }));
    const taken = left.splice(0, spec.rest ? left.length : 1);
    const values = taken.map((text) => readValue(reader, spec, label, text));
    args[spec.name] = spec.rest ? values : values[0];
  }
  if (left.length > 0) note(reader, fault.extra(left[0], { cure: usageCure(reader) }));
  return args;
}

function readFlags(
  reader: Reader,
  table: Readonly<Record<string, FlagSpec>>,
  set: ReadonlyMap<string, readonly string[]>,
): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(table)) {
    const texts = set.get(name) ?? (spec.default === undefined ? [] : [spec.default]);
    if (texts.length === 0 && spec.required)
      note(reader, fault.missingFlag(`--${name}`, { cure: `${spec.doc}. ${usageCure(reader)}` }));
    const values = texts.map((text) => readValue(reader, spec, `--${name}`, text));
    if (spec.repeat) flags[name] = values;
    else flags[name] = spec.kind === "boolean" ? values[0] === true : values[0];
  }
  return flags;
}

function incomplete(reader: Reader): Fault {
  const words = [reader.program.name, ...reader.words].join(" ");
  const next = nextWords(reader.program, reader.words).map((word) => `${words} ${word}`);
  return fault.incomplete(reader.words.join(" "), { cure: `Write ${next.join(", ")}` });
}

/** Reads the words behind the program's name. Never throws: what is wrong comes back as `fault`. */
export function parse(program: Program, argv: readonly string[]): Parsed {
  const reader: Reader = {
    program,
    tokens: argv,
    at: 0,
    words: [],
    command: undefined,
    positional: [],
    set: new Map(),
    globals: new Map(),
    fault: undefined,
  };
  readTokens(reader);
  const globals = readFlags(reader, globalFlags, reader.globals);
  const { words, command } = reader;
  if (!command) {
    if (words.length > 0) note(reader, incomplete(reader));
    else if (reader.positional.length > 0)
      note(reader, fault.extra(reader.positional[0], { cure: usageCure(reader) }));
    return { words, command, args: {}, flags: {}, globals, fault: reader.fault };
  }
  const args = readArgs(reader, command);
  const flags = readFlags(reader, flagsOf(command), reader.set);
  return { words, command, args, flags, globals, fault: reader.fault };
}
