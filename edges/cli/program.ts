import type { Command, Context, FlagSpec } from "./command.ts";

/** Finds what a half-typed word could become; must be quick and may find nothing. */
export type Completer = (word: string, context: Context) => Promise<readonly string[]>;

/** A group of commands in the list of help, by task. */
export interface Group {
  readonly key: string;
  readonly title: string;
}

/** A command line as a whole: what `runProgram` runs. */
export interface Program {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly examples: Command["examples"];
  /** In the order of help. */
  readonly groups: readonly Group[];
  readonly commands: readonly Command[];
  readonly completers: Readonly<Record<string, Completer>>;
  /** Where to read more, shown at the end of help. */
  readonly more?: string;
}

/** Every command takes these, before or after its name. */
export const globalFlags = {
  help: { kind: "boolean", short: "h", doc: "Show how a command is used" },
  json: { kind: "boolean", doc: "Print JSON, one value per line, faults included, on stdout" },
  home: {
    kind: "directory",
    value: "DIR",
    doc: "Home of the hive; default $SKEP_HOME, then the XDG state directory",
  },
  context: {
    kind: "string",
    value: "NAME",
    completer: "context",
    doc: "Another hive, by the name of its context; default $SKEP_CONTEXT",
  },
  "no-color": { kind: "boolean", doc: "No colours; so do NO_COLOR and TERM=dumb" },
  quiet: { kind: "boolean", doc: "No messages, warnings or progress on stderr; faults stay" },
  verbose: { kind: "boolean", doc: "More messages, and the causes of internal errors" },
  "no-input": { kind: "boolean", doc: "Never ask; what would have asked is refused" },
} as const satisfies Record<string, FlagSpec>;

const dangerFlags = {
  mild: {},
  moderate: { yes: { kind: "boolean", doc: "Agree beforehand" } },
  severe: {
    confirm: { kind: "string", value: "NAME", doc: "Agree beforehand, by the name of what is lost" },
  },
} as const satisfies Record<string, Record<string, FlagSpec>>;

/** A command's own flags, with those that its danger adds. */
export function flagsOf(command: Command): Readonly<Record<string, FlagSpec>> {
  return command.danger ? { ...command.flags, ...dangerFlags[command.danger] } : command.flags;
}

/** The commands whose names begin with these words. */
export function family(program: Program, words: readonly string[]): readonly Command[] {
  const prefix = words.map((word) => `${word} `).join("");
  return program.commands.filter(({ name }) => `${name} `.startsWith(prefix));
}

export function findCommand(program: Program, words: readonly string[]): Command | undefined {
  return program.commands.find(({ name }) => name === words.join(" "));
}

/** The words that may follow these, for commands that are shown. */
export function nextWords(program: Program, words: readonly string[]): readonly string[] {
  const shown = family(program, words).filter(({ hidden }) => !hidden);
  const next = shown.map(({ name }) => name.split(" ")[words.length]).filter((word) => word !== undefined);
  return [...new Set(next)];
}

function* checkArgs({ args }: Command): Generator<string> {
  const seen = new Set<string>();
  for (const [at, { name, rest, optional, doc, kind, choices }] of args.entries()) {
    if (seen.has(name)) yield `declares argument "${name}" twice`;
    seen.add(name);
    if (!doc) yield `argument "${name}" has no doc`;
    if (rest && at < args.length - 1) yield `argument "${name}" takes all, so it must be the last`;
    if (!optional && args[at - 1]?.optional) yield `argument "${name}" is needed behind an optional one`;
    if ((kind === "choice") !== (choices !== undefined)) yield `argument "${name}" needs choices`;
  }
}

// Help says both by itself.
function* checkDoc(name: string, { doc, repeat, default: usual }: FlagSpec): Generator<string> {
  if (repeat && /given (again|several)/.test(doc)) yield `flag "--${name}" says twice that it repeats`;
  if (usual !== undefined && /\bdefault\b/.test(doc)) yield `flag "--${name}" says its default twice`;
}

function* checkFlags(command: Command): Generator<string> {
  const shorts = new Set<string>(["h"]);
  for (const [name, spec] of Object.entries(flagsOf(command))) {
    if (name in globalFlags) yield `flag "--${name}" is a global one`;
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) yield `flag "--${name}" is no flag name`;
    if (!spec.doc) yield `flag "--${name}" has no doc`;
    if (spec.short && (spec.short.length !== 1 || shorts.has(spec.short)))
      yield `flag "--${name}" needs another short name`;
    if (spec.short) shorts.add(spec.short);
    if ((spec.kind === "choice") !== (spec.choices !== undefined)) yield `flag "--${name}" needs choices`;
    yield* checkDoc(name, spec);
  }
}

function* checkCommand(program: Program, command: Command): Generator<string> {
  if (!/^[a-z_0-9]+([ -][a-z0-9]+)*$/.test(command.name)) yield "is no command name";
  if (!command.summary) yield "has no summary";
  if (!command.hidden && command.examples.length === 0) yield "has no example";
  if (!program.groups.some(({ key }) => key === command.group))
    yield `is of unknown group "${command.group}"`;
  for (const { run } of command.examples)
    if (!run.includes(`${program.name} ${command.name}`)) yield `has an example of something else: ${run}`;
  if (command.passthrough && !command.args.at(-1)?.rest)
    yield "passes arguments through but declares no rest";
  const completers = [...command.args, ...Object.values(command.flags)].map(({ completer }) => completer);
  for (const name of completers)
    if (name && !(name in program.completers)) yield `uses unknown completer "${name}"`;
  yield* checkArgs(command);
  yield* checkFlags(command);
}

/** Checks the table of commands at start: a mistake in it is a TypeError that names the command. */
export function program(declared: Program): Program {
  const names = new Set<string>();
  const families = new Set<string>();
  for (const { name } of declared.commands) {
    if (names.has(name)) throw new TypeError(`Command "${name}" is declared twice`);
    names.add(name);
    for (let end = name.indexOf(" "); end > 0; end = name.indexOf(" ", end + 1))
      families.add(name.slice(0, end));
  }
  for (const each of declared.commands) {
    for (const problem of checkCommand(declared, each))
      throw new TypeError(`Command "${each.name}" ${problem}`);
    if (families.has(each.name)) throw new TypeError(`Command "${each.name}" is also the name of a family`);
  }
  return declared;
}
