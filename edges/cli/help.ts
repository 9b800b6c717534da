import { padToWidth, widthOf, wrapText } from "@skep/text";
import type { ArgSpec, Command, Example, FlagSpec } from "./command.ts";
import { family, flagsOf, globalFlags, type Program } from "./program.ts";
import { type Part, toned } from "./style.ts";

/** A page of help: lines of parts. */
export type Page = readonly (readonly Part[])[];

const widest = 100;
const nameColumn = 26;

function paragraph(text: string, width: number, indent = ""): Page {
  return wrapText(text, { width, indent })
    .split("\n")
    .map((line) => [line]);
}

/** A name and what it means: side by side, or below each other when the name is long. */
function entry(name: string, doc: string, column: number, width: number): Page {
  const room = Math.max(20, width - column - 4);
  const lines = wrapText(doc, { width: room }).split("\n");
  const indent = " ".repeat(column + 4);
  if (widthOf(name) > column)
    return [["  ", toned("name", name)], ...lines.map((line): readonly Part[] => [indent + line])];
  const [first = "", ...rest] = lines;
  return [
    ["  ", toned("name", name), `${padToWidth("", column - widthOf(name))}  ${first}`],
    ...rest.map((line): readonly Part[] => [indent + line]),
  ];
}

type Entry = readonly [name: string, doc: string];

function columnOf(entries: readonly Entry[]): number {
  return Math.min(nameColumn, Math.max(0, ...entries.map(([name]) => widthOf(name))));
}

function list(title: string, entries: readonly Entry[], width: number, column = columnOf(entries)): Page {
  if (entries.length === 0) return [];
  return [
    [""],
    [toned("strong", title)],
    ...entries.flatMap(([name, doc]) => entry(name, doc, column, width)),
  ];
}

function exampleLines(examples: readonly Example[], width: number): Page {
  if (examples.length === 0) return [];
  const lines = examples.flatMap(
    ({ run, doc }): Page => [["  ", toned("name", run)], ...paragraph(doc, width, "      ")],
  );
  return [[""], [toned("strong", "Examples")], ...lines];
}

const placeholder = (name: string, { value, choices }: FlagSpec) =>
  value ?? choices?.join("|") ?? name.toUpperCase();

/** `--role ROLE`, with the short name before it. */
function flagLabel(name: string, spec: FlagSpec): string {
  const short = spec.short ? `-${spec.short}, ` : "";
  return `${short}--${name}${spec.kind === "boolean" ? "" : ` ${placeholder(name, spec)}`}`;
}

function flagEntries(flags: Readonly<Record<string, FlagSpec>>): readonly Entry[] {
  return Object.entries(flags)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, spec]) => {
      const notes = [
        spec.required ? "needed" : "",
        spec.repeat ? "may be given several times" : "",
        spec.default === undefined ? "" : `default ${spec.default}`,
      ].filter(Boolean);
      return [
        flagLabel(name, spec),
        notes.length > 0 ? `${spec.doc} (${notes.join("; ")})` : spec.doc,
      ] as const;
    });
}

function argLabel({ name, choices, optional, rest }: ArgSpec): string {
  const label = (choices?.join("|") ?? name.toUpperCase()) + (rest ? "…" : "");
  return optional ? `[${label}]` : label;
}

/** The line under "Usage": needed flags are written out, the others are `[flags]`. */
export function usageLine(program: Program, command: Command): string {
  const shown = Object.entries(flagsOf(command)).filter(([, { hidden }]) => !hidden);
  const needed = shown.filter(([, { required }]) => required).map(([name, spec]) => flagLabel(name, spec));
  const some = shown.length > needed.length ? ["[flags]"] : [];
  return [program.name, command.name, ...needed, ...some, ...command.args.map(argLabel)].join(" ");
}

/** The page of one command: examples before usage. */
export function commandPage(program: Program, command: Command, columns: number): Page {
  const width = Math.min(columns, widest);
  const args = command.args.map((arg) => [argLabel(arg), arg.doc] as const);
  const through = command.passthrough
    ? [[""], ...paragraph("What follows the first argument belongs to the program being run.", width)]
    : [];
  return [
    ...paragraph(`${program.name} ${command.name}: ${command.summary}`, width),
    ...exampleLines(command.examples, width),
    [""],
    [toned("strong", "Usage")],
    [`  ${usageLine(program, command)}`],
    ...(command.doc ? [[""], ...paragraph(command.doc, width)] : []),
    ...through,
    ...list("Arguments", args, width),
    ...list("Flags", flagEntries(flagsOf(command)), width),
    ...list("Flags of every command", flagEntries(globalFlags), width),
  ];
}

function commandEntries(commands: readonly Command[]): readonly Entry[] {
  return commands.filter(({ hidden }) => !hidden).map(({ name, summary }) => [name, summary] as const);
}

/** The page of a family of commands, as `skep help ticket`. */
export function familyPage(program: Program, words: readonly string[], columns: number): Page {
  const width = Math.min(columns, widest);
  const commands = family(program, words).filter(({ hidden }) => !hidden);
  const name = [program.name, ...words].join(" ");
  return [
    [`${name}: commands of this family`],
    ...exampleLines(
      commands.flatMap(({ examples }) => examples.slice(0, 1)),
      width,
    ),
    ...list("Commands", commandEntries(commands), width),
    [""],
    [`${program.name} help ${words.join(" ")} COMMAND shows one of them`],
  ];
}

/** The first page: commands grouped by task. */
export function programPage(program: Program, columns: number): Page {
  const width = Math.min(columns, widest);
  const column = columnOf(commandEntries(program.commands));
  const groups = program.groups.flatMap(({ key, title }) =>
    list(title, commandEntries(program.commands.filter(({ group }) => group === key)), width, column),
  );
  return [
    ...paragraph(`${program.name}: ${program.summary}`, width),
    ...exampleLines(program.examples, width),
    ...groups,
    ...list("Flags of every command", flagEntries(globalFlags), width),
    [""],
    ...paragraph(`${program.name} help COMMAND shows one command, its examples first.`, width),
    ...(program.more ? paragraph(program.more, width) : []),
  ];
}

/** A command as data, for `skep help --json`. */
export function describeCommand(program: Program, command: Command): unknown {
  const { name, group, summary, doc, examples, args, danger } = command;
  const flags = Object.entries(flagsOf(command)).filter(([, { hidden }]) => !hidden);
  return {
    name,
    group,
    summary,
    doc,
    usage: usageLine(program, command),
    examples,
    args,
    flags: Object.fromEntries(flags),
    danger,
  };
}
