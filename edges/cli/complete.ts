import { type ActionSpec, actionOf } from "./completion/model.ts";
import type { Command, Context, FlagSpec } from "./command.ts";
import { parse } from "./parse.ts";
import { family, findCommand, flagsOf, globalFlags, nextWords, type Program } from "./program.ts";

/** A word that may stand at the cursor, and what it means. */
export interface Candidate {
  readonly word: string;
  readonly doc: string;
}

interface Place {
  readonly words: readonly string[];
  readonly command: Command | undefined;
  readonly position: number;
  /** The flag whose value is being typed. */
  readonly pending: string | undefined;
  /** No flags any more: behind `--`, or the arguments of another program. */
  readonly ended: boolean;
}

function flagsAt(command: Command | undefined): Readonly<Record<string, FlagSpec>> {
  return { ...globalFlags, ...(command ? flagsOf(command) : {}) };
}

function findFlag(command: Command | undefined, token: string): FlagSpec | undefined {
  const entries = Object.entries(flagsAt(command));
  return entries.find(([name, { short }]) => token === `--${name}` || token === `-${short}`)?.[1];
}

function afterWord(program: Program, place: Place, token: string): Place {
  if (place.command) {
    const ended = place.ended || place.command.passthrough === true;
    return { ...place, position: place.position + 1, ended };
  }
  const words = [...place.words, token];
  return { ...place, words, command: findCommand(program, words) };
}

function afterToken(program: Program, place: Place, token: string): Place {
  if (place.pending !== undefined) return { ...place, pending: undefined };
  if (place.ended || !token.startsWith("-") || token === "-") return afterWord(program, place, token);
  if (token === "--") return { ...place, ended: true };
  const spec = findFlag(place.command, token);
  return spec && spec.kind !== "boolean" ? { ...place, pending: token } : place;
}

/** Where the cursor is, after these finished words. */
function placeOf(program: Program, before: readonly string[]): Place {
  const start: Place = { words: [], command: undefined, position: 0, pending: undefined, ended: false };
  return before.reduce((place, token) => afterToken(program, place, token), start);
}

async function valuesOf(
  program: Program,
  spec: ActionSpec,
  word: string,
  context: Context,
): Promise<readonly Candidate[]> {
  const action = actionOf(spec);
  if (action.kind === "words") return action.words.map((each) => ({ word: each, doc: "" }));
  if (action.kind !== "dynamic") return [];
  const find = program.completers[action.completer];
  // Completion must never disturb the line that is being typed: whatever goes wrong, there is nothing to offer.
  const found = find ? await find(word, context).catch(() => []) : [];
  return found.map((each) => ({ word: each, doc: "" }));
}

function wordsAt(program: Program, words: readonly string[]): readonly Candidate[] {
  return nextWords(program, words).map((word) => {
    const name = [...words, word];
    const found = findCommand(program, name);
    return { word, doc: found?.summary ?? `${family(program, name).length} commands` };
  });
}

function flagNames(command: Command | undefined): readonly Candidate[] {
  return Object.entries(flagsAt(command))
    .filter(([, { hidden }]) => !hidden)
    .map(([name, { doc }]) => ({ word: `--${name}`, doc }));
}

async function flagValues(
  program: Program,
  spec: FlagSpec | undefined,
  [prefix, value]: readonly [string, string],
  context: Context,
): Promise<readonly Candidate[]> {
  const found = spec ? await valuesOf(program, spec, value, context) : [];
  return found.map(({ word, doc }) => ({ word: prefix + word, doc }));
}

async function candidates(program: Program, typed: readonly string[], context: Context) {
  const last = typed.at(-1) ?? "";
  const { command, ended, pending, position, words } = placeOf(program, typed.slice(0, -1));
  if (pending !== undefined) return flagValues(program, findFlag(command, pending), ["", last], context);
  if (!ended && last.startsWith("-")) {
    const [, flag, value = ""] = /^(--[^=]+)=(.*)$/s.exec(last) ?? [];
    if (flag === undefined) return flagNames(command);
    return flagValues(program, findFlag(command, flag), [`${flag}=`, value], context);
  }
  if (!command) return wordsAt(program, words);
  if (command.name === "help") return wordsAt(program, typed.slice(typed.indexOf("help") + 1, -1));
  const rest = command.args.at(-1)?.rest ? command.args.at(-1) : undefined;
  const spec = command.args[position] ?? rest;
  return spec ? valuesOf(program, spec, last, context) : [];
}

/** What the last of these words could become; never fails, and finds nothing where it knows nothing. */
export async function completions(
  program: Program,
  typed: readonly string[],
  context: Context,
): Promise<readonly Candidate[]> {
  const last = typed.at(-1) ?? "";
  // Whom completers ask is on the line that is being typed, too.
  const { home = context.global.home, context: named = context.global.context } = parse(
    program,
    typed.slice(0, -1),
  ).globals as { readonly home?: string; readonly context?: string };
  const global = { ...context.global, home, context: named };
  const found = await candidates(program, typed, { ...context, global });
  return found.filter(({ word }) => word.startsWith(last) && !/[\n\t]/.test(word));
}
