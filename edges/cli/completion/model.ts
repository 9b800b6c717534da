import type { ArgSpec, FlagSpec } from "../command.ts";
import { flagsOf, globalFlags, nextWords, type Program } from "../program.ts";

/** How the shell finds the values of an argument or flag. */
export type Action =
  | { readonly kind: "none" | "file" | "directory" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Asks `skep __complete`. */
  | { readonly kind: "dynamic"; readonly completer: string };

export type ActionSpec = Pick<ArgSpec | FlagSpec, "kind" | "choices" | "completer">;

export function actionOf({ kind, choices, completer }: ActionSpec): Action {
  if (choices) return { kind: "words", words: choices };
  if (completer) return { kind: "dynamic", completer };
  if (kind === "path") return { kind: "dynamic", completer: "path" };
  return { kind: kind === "file" || kind === "directory" ? kind : "none" };
}

export interface FlagModel {
  readonly name: string;
  readonly short: string | undefined;
  readonly doc: string;
  /** Undefined when it takes no value. */
  readonly action: Action | undefined;
}

export interface ArgModel {
  readonly action: Action;
  readonly rest: boolean;
}

export interface CommandModel {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagModel[];
  readonly args: readonly ArgModel[];
  readonly passthrough: boolean;
}

/** What a completion script has to know. */
export interface Model {
  readonly program: string;
  readonly globals: readonly FlagModel[];
  readonly commands: readonly CommandModel[];
  /** Words typed so far → words that may follow, with their meaning. */
  readonly families: readonly {
    readonly words: string;
    readonly next: readonly { readonly word: string; readonly doc: string }[];
  }[];
}

function flagModels(flags: Readonly<Record<string, FlagSpec>>): readonly FlagModel[] {
  return Object.entries(flags)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, spec]) => ({
      name,
      short: spec.short,
      doc: spec.doc,
      action: spec.kind === "boolean" ? undefined : actionOf(spec),
    }));
}

export function modelOf(program: Program): Model {
  const shown = program.commands.filter(({ hidden }) => !hidden);
  const prefixes = new Set([""]);
  for (const { name } of shown) {
    const words = name.split(" ");
    for (let length = 1; length < words.length; length++) prefixes.add(words.slice(0, length).join(" "));
  }
  return {
    program: program.name,
    globals: flagModels(globalFlags),
    commands: shown.map((each) => ({
      name: each.name,
      summary: each.summary,
      flags: flagModels(flagsOf(each)),
      args: each.args.map((arg) => ({ action: actionOf(arg), rest: arg.rest === true })),
      passthrough: each.passthrough === true,
    })),
    families: [...prefixes].map((words) => ({
      words,
      next: nextWords(program, words === "" ? [] : words.split(" ")).map((word) => {
        const name = [words, word].filter(Boolean).join(" ");
        return { word, doc: shown.find((each) => each.name === name)?.summary ?? `${word} commands` };
      }),
    })),
  };
}

/** A word for sh, quoted so that nothing in it is expanded. */
export function quoteSh(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
