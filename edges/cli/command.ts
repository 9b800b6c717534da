import type { GlobalFlags } from "./globals.ts";
import type { Io } from "./io.ts";
import type { Out } from "./out.ts";
import type { KindValues, ValueKind } from "./values.ts";

/** One positional argument. */
export interface ArgSpec {
  readonly name: string;
  readonly kind: ValueKind;
  readonly doc: string;
  /** For kind `choice`: the only words that are accepted. */
  readonly choices?: readonly string[];
  /** For numbers: the bounds, both accepted. */
  readonly least?: number;
  readonly most?: number;
  readonly optional?: true;
  /** Takes all that follows: none or many with `optional`, else at least one. */
  readonly rest?: true;
  /** Name of one of the program's completers; `path` arguments use the one called `path`. */
  readonly completer?: string;
}

/** One `--flag`; kind `boolean` takes no value. */
export interface FlagSpec {
  readonly kind: ValueKind | "boolean";
  readonly doc: string;
  /** One letter: `-n`. */
  readonly short?: string;
  readonly choices?: readonly string[];
  /** For numbers: the bounds, both accepted. */
  readonly least?: number;
  readonly most?: number;
  /** The word that stands for the value in help; default the flag's name in capitals. */
  readonly value?: string;
  /** May be given several times; the value is a list. */
  readonly repeat?: true;
  readonly required?: true;
  /** Used when the flag is absent, written as on the command line. */
  readonly default?: string;
  readonly hidden?: true;
  readonly completer?: string;
}

type Value<S extends { readonly kind: string; readonly choices?: readonly string[] }> =
  S["kind"] extends ValueKind
    ? S extends { readonly choices: readonly (infer Choice)[] }
      ? Choice
      : KindValues[S["kind"]]
    : boolean;

/** The value of an argument as `run` sees it. */
export type ArgValue<S extends ArgSpec> = S extends { readonly rest: true }
  ? readonly Value<S>[]
  : S extends { readonly optional: true }
    ? Value<S> | undefined
    : Value<S>;

/** The value of a flag as `run` sees it. */
export type FlagValue<S extends FlagSpec> = S extends { readonly kind: "boolean" }
  ? boolean
  : S extends { readonly repeat: true }
    ? readonly Value<S>[]
    : S extends { readonly default: string } | { readonly required: true }
      ? Value<S>
      : Value<S> | undefined;

/** How much harm a command can do: a nuisance, a loss that can be repaired, one that cannot. */
export type Danger = "mild" | "moderate" | "severe";

/** What is about to happen, asked before a dangerous act. */
export interface Question {
  /** A sentence without its question mark: `Remove the home and all that is in it`. */
  readonly act: string;
  /** The name of what is lost; must be typed when the command is `severe`. */
  readonly name: string;
}

/** What a running command holds. */
export interface Context {
  readonly io: Io;
  readonly out: Out;
  readonly global: GlobalFlags;
  /** Aborts on Ctrl-C, SIGTERM, SIGHUP, and when nobody reads stdout any more. */
  readonly signal: AbortSignal;
  /** Takes SIGHUP over from now on, where no terminal is there that could hang up: a daemon reads its files again. */
  onHangup(act: () => void): void;
  /** Resolves when the operator agrees, in the grade that the command declares; throws a fault otherwise. */
  confirm(question: Question): Promise<void>;
}

/** One example of a command. */
export interface Example {
  /** The whole line, `skep` included. */
  readonly run: string;
  readonly doc: string;
}

/** A command without the types of its arguments: what help, completion and the parser read. */
export interface Command {
  /** One word, or several for a command in a family: `ticket mint`. */
  readonly name: string;
  /** Key of the group under which help lists it. */
  readonly group: string;
  readonly summary: string;
  readonly doc?: string;
  readonly examples: readonly Example[];
  readonly args: readonly ArgSpec[];
  readonly flags: Readonly<Record<string, FlagSpec>>;
  readonly hidden?: true;
  /** All that follows the first argument belongs to the program being run, flags too. */
  readonly passthrough?: true;
  readonly danger?: Danger;
  /** Exit code of every end with a fault, usage errors included, instead of the fault's own. */
  readonly failure?: number;
  /** `drain`: after a signal the command ends in its own time and its exit code stands. Default `exit`. */
  readonly onSignal?: "exit" | "drain";
  start(
    context: Context,
    args: Readonly<Record<string, unknown>>,
    flags: Readonly<Record<string, unknown>>,
  ): Promise<number>;
}

type Declared<A extends readonly ArgSpec[], F extends Readonly<Record<string, FlagSpec>>> = Omit<
  Command,
  "args" | "flags" | "start"
> & {
  readonly args?: A;
  readonly flags?: F;
  /** Does the work; gives the exit code when that is not 0. */
  run(
    context: Context & {
      readonly args: { readonly [S in A[number] as S["name"]]: ArgValue<S> };
      readonly flags: { readonly [K in keyof F]: FlagValue<F[K]> };
    },
    // biome-ignore lint/suspicious/noConfusingVoidType: a command that gives nothing has succeeded
  ): Promise<number | void> | number | void;
};

/** Declares a command once; parser, help and completion are read off it, and `run` sees typed values. */
export function command<
  const A extends readonly ArgSpec[] = readonly [],
  const F extends Readonly<Record<string, FlagSpec>> = Record<never, FlagSpec>,
>(declared: Declared<A, F>): Command {
  const { args, flags, run, ...rest } = declared;
  type Full = Parameters<typeof run>[0];
  return {
    ...rest,
    args: args ?? [],
    flags: flags ?? {},
    start: async (context, values, set) =>
      // The parser made these values from the same declaration, kind by kind.
      (await run({ ...context, args: values, flags: set } as Full)) ?? 0,
  };
}
