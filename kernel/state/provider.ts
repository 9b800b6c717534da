import type { Json, DirNode, Node, Emitted, Deciding, Decision } from "../namespace/node.ts";
import { type Build, build } from "../namespace/build.ts";
import type { Scope } from "./scope.ts";
import type { JournalRecord } from "../journal/record.ts";
import type { Runtime } from "./runtime.ts";

/** When and where an event stands in the journal. */
export interface EventMeta {
  readonly seq: number;
  /** Record time, milliseconds since 1970. */
  readonly time: number;
  readonly subject: string;
}

/** Folds one event into a slice: total, pure, fast. */
export type Apply<S> = (slice: S, data: never, meta: EventMeta) => void;

/** Folds, by `type@version`; an event of another provider is named `provider:type@version`. */
export type Folds<S> = Readonly<Record<string, Apply<S>>>;

/** An effect: acts after its record is durable, idempotently; its answer is journalled as its outcome. */
export interface Effect {
  run(args: never, context: { readonly id: string; readonly signal: AbortSignal }): Promise<Json | undefined>;
  /** What a start does with one that was in flight: run it again, or end it as `unknown`. */
  readonly recover: "retry" | "unknown";
}

/** What a provider wants to do by itself, in the name of the system. */
export interface Tick<S, V> {
  /** The earliest time (milliseconds) at which `decide` has something to do; undefined for never. */
  next(state: S): number | undefined;
  decide(deciding: Deciding<S, V>): Decision | undefined;
}

/** Entries of the index through which what left state is found: kind, key, sequence of the record. */
export interface Indexed {
  readonly kind: string;
  readonly key: string;
  readonly seq: number;
}

/** A plug-in that gives the namespace files. */
export interface ProviderSpec<S, V> {
  readonly name: string;
  readonly doc: string;
  readonly initial: (scope: Scope) => S;
  readonly events: Folds<S>;
  /** Lifts of old event shapes, kept for ever: `"jobs.submitted@1"` to the data of the present version. */
  readonly lifts?: Readonly<Record<string, { readonly to: string; readonly lift: (data: never) => Json }>>;
  /** Volatile consequences, after durability and in order: filling rings, closing sessions. */
  readonly notify?: Readonly<
    Record<string, (data: never, meta: EventMeta, runtime: Runtime, state: S) => void>
  >;
  /**
   * Told of every durable record in order, refusals too; at start of the newest ones again, so that streams about the
   * journal itself are not empty.
   */
  readonly recorded?: (record: JournalRecord, runtime: Runtime, state: S) => void;
  /** Once after recovery, before the first session: seeds rings from state. */
  readonly opened?: (state: S, runtime: Runtime) => void;
  /** Once at the end, after the last session and the last effect: what it holds open is let go. */
  readonly closed?: () => Promise<void>;
  readonly effects?: Readonly<Record<string, Effect>>;
  readonly tick?: Tick<S, V>;
  /** What the end of a session means, whoever ended it; undefined for nothing. */
  readonly left?: (
    session: { readonly id: string; readonly subject: string },
    deciding: Deciding<S, V>,
  ) => Decision | undefined;
  /** Index entries of an event, for what is looked up after it left state. */
  readonly index?: Readonly<
    Record<string, (data: never, meta: EventMeta) => Indexed | readonly Indexed[] | undefined>
  >;
  /**
   * Paths that an event changes, a directory standing for all below it, so that it can be told which records last changed
   * a file.
   */
  readonly touches?: Readonly<
    Record<string, (data: never, meta: EventMeta) => string | readonly string[] | undefined>
  >;
  /** Decides what an effect's outcome means. */
  readonly outcome?: (kind: string, args: Json, result: Json, deciding: Deciding<S, V>) => Decision;
  /** Read-only views offered to others, by name. */
  readonly offers?: Readonly<Record<string, (state: S) => unknown>>;
  /** Names of views used, in the form that `offers` of another provider gives them. */
  readonly uses?: readonly string[];
  /** False leaves the provider's files out of `/at`. */
  readonly journalled?: boolean;
  /** Where its files hang: `{ "/jobs": tree, "/cas": tree }`. */
  readonly mounts: (t: Build<S, V>) => Readonly<Record<string, Node>>;
}

/** A provider with its types forgotten; made by `defineProvider` only. */
export type Provider = ProviderSpec<never, never> & { readonly tree: Readonly<Record<string, Node>> };

/** Declares a provider. `S` is its slice, `V` the views that it uses. */
export function defineProvider<S, V = Record<string, never>>(spec: ProviderSpec<S, V>): Provider {
  const tree = spec.mounts(build<S, V>());
  return { ...spec, tree } as unknown as Provider;
}

type DataOf<F> = F extends (slice: never, data: infer D, ...rest: never[]) => void ? D : never;

/** Makes typed events: `emit("submitted@1", {...})` fits the fold of that name. */
export function emitter<F extends Folds<never>>(
  _folds: F,
): <K extends keyof F & string>(type: K, data: DataOf<F[K]>) => Emitted {
  return (type, data) => ({ type, data: data as Json });
}

export type { DirNode };
