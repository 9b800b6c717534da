import type { ZodType } from "zod";
import type { Awaitable, Ring, StreamSource } from "../state/ring.ts";

export type { Awaitable } from "../state/ring.ts";

/** What JSON can say. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** Who asks, as renderers and deciders see it. */
export interface Caller {
  readonly subject: string;
  readonly role: string;
  /** Id of the session, or `system`. */
  readonly session: string;
  /** Block ids of the ticket, root first. */
  readonly blocks: readonly string[];
  may(path: string, right: string): boolean;
  /** Whether some right lies at, above or below a path: otherwise it is absent for this caller. */
  reaches(path: string): boolean;
}

/** What a node sees when it is read: a state as of one sequence, and who asks. */
export interface Scene<S = unknown, V = unknown> {
  readonly state: S;
  readonly views: V;
  readonly params: Readonly<Record<string, string>>;
  readonly path: string;
  readonly caller: Caller;
  /** Hive time, milliseconds since 1970. */
  readonly now: number;
  /** Sequence of the newest record applied. */
  readonly seq: number;
  /** The ring behind a stream of this provider, made on first use. */
  ring(path: string, capacity?: number): Ring;
}

/** One event, named `type@version` within its provider. */
export interface Emitted {
  readonly type: string;
  readonly data: Json;
}

/** Something to do after the events are durable. */
export interface EffectCall {
  readonly kind: string;
  readonly args: Json;
}

/** What a command leads to. */
export interface Decision {
  readonly events: readonly Emitted[];
  readonly effects?: readonly EffectCall[];
  /** Given back to the caller in the answer. */
  readonly result?: Json;
}

/** What `decide` sees: the head state, drafts included. */
export interface Deciding<S = unknown, V = unknown> extends Scene<S, V> {
  /** The sequence that the record will have. */
  readonly next: number;
  /** Chance, drawn by the intent: 32 bytes that the record can be replayed with. */
  readonly chance: string;
}

/** How an act can be taken back. */
export type Undo = "reversible" | "compensable" | "irreversible";

/** A command that takes back what another did; at the same path unless told. */
export interface Inverse {
  readonly path?: string;
  readonly command: Json;
}

/** One thing that a control does: how it is taken back, and what policies and approvers may know of it. */
export interface Act {
  readonly class: Undo;
  /** True when it changes or destroys data, by what our own journal knows of it. */
  readonly data?: boolean;
  /** Of a reversible act: what takes it back, from the state before it and its result. */
  readonly inverse?: (command: never, deciding: Deciding<never, never>, result: Json) => Inverse;
  /** Of a compensable act: what a person does to set it right. */
  readonly compensation?: string;
  /** What approvers see of the target: when it has changed since, their approval is worth nothing. */
  readonly target?: (command: never, deciding: Deciding<never, never>) => Json;
  /** Label of the data and class of the machine that the command is about, for policies. */
  readonly about?: (
    command: never,
    deciding: Deciding<never, never>,
  ) => { readonly label?: string; readonly machine?: string; readonly work?: string };
  /** Role as which policies see whoever does this: of what is no act of a role, such as `invitation`. */
  readonly as?: string;
  /** What the command would have run, as bans name it: `module:<digest>`, `class:wasm`. */
  readonly uses?: (command: never) => readonly string[];
}

interface Common {
  readonly doc: string;
  /** The right asked for beside `read` or `write` on the path. */
  readonly right?: string;
  /** False hides the node from this caller: it is absent. */
  readonly visible?: (scene: Scene<never, never>) => boolean;
}

/** A directory whose names are declared. */
export interface DirNode extends Common {
  readonly kind: "dir";
  readonly entries: ReadonlyMap<string, Node>;
}

/** A directory with one entry for each thing of a state. */
export interface EachNode extends Common {
  readonly kind: "each";
  /** Name of the parameter that the entry's name becomes. */
  readonly param: string;
  /** Files that stand beside the things, such as a `ctl`. */
  readonly entries?: ReadonlyMap<string, Node>;
  /** Alive or recent names, at most `limits.entries`. */
  readonly list: (scene: Scene<never, never>) => Awaitable<Iterable<string>>;
  /** The part of it that is listed where each name costs the client many requests, as on a mount. */
  readonly brief?: (scene: Scene<never, never>) => Awaitable<Iterable<string>>;
  /** Whatever is listed and more, a row for each as `x.json`: one file for what would be many names, made in pieces. */
  readonly rows?: (scene: Scene<never, never>) => Iterable<Json>;
  /** Whether a name can be walked to; more than what is listed. */
  readonly has: (name: string, scene: Scene<never, never>) => Awaitable<boolean>;
  readonly child: Node;
}

/** Text rendered from state at open, with a JSON twin named `x.json` when `json` is given. */
export interface TextNode extends Common {
  readonly kind: "text";
  readonly render: (scene: Scene<never, never>) => Awaitable<string | Uint8Array>;
  readonly json?: (scene: Scene<never, never>) => Awaitable<Json>;
  /** The same, a row after the other: so many that they are printed in pieces. */
  readonly rows?: (scene: Scene<never, never>) => Iterable<Json>;
  /** True where the JSON is there in CBOR too, as `x.cbor`: for what the original tells that way. */
  readonly cbor?: boolean;
  /** True for what never changes once it is there. */
  readonly fixed?: boolean;
  /** Only this caller-independent size is told without rendering. */
  readonly size?: (scene: Scene<never, never>) => number;
}

/** An append-only stream, read as `x`, followed as `x.follow`, told about in `x.json`. */
export interface StreamNode extends Common {
  readonly kind: "stream";
  readonly source: (scene: Scene<never, never>) => Awaitable<StreamSource>;
  /** Takes whole lines or bytes; absent when only the system appends. */
  readonly append?: (bytes: Uint8Array, scene: Scene<never, never>) => Awaitable<number>;
}

/** One line, one command, judged by the gate. */
export interface ControlNode extends Common {
  readonly kind: "control";
  readonly input: ZodType;
  /** Turns a line into what `input` parses; JSON when absent. */
  readonly parse?: (line: string) => unknown;
  /** Top-level fields whose values never reach the journal. */
  readonly secret?: readonly string[];
  readonly undo: Undo;
  /** What its commands do, by name; those that are not declared are irreversible. */
  readonly acts?: Readonly<Record<string, Act>>;
  /** The name of what a command does; its `op` unless told. */
  readonly act?: (command: never) => string;
  /** True for the end of an upload: its bytes are there already, so it cannot wait for anybody. */
  readonly upload?: boolean;
  /** True when the command is new work, which a draining or full hive refuses. */
  readonly work?: boolean | ((command: never) => boolean);
  /** True when its commands tell how running work ends: taken on a full disk too, out of the reserve. */
  readonly outcome?: boolean;
  /**
   * Makes ready, apart from the loop, what judging a command takes long to make; undefined when there is nothing to wait
   * for. It decides nothing: the command is judged afterwards, in the state of then.
   */
  readonly prepare?: (command: never, scene: Scene<never, never>) => Promise<void> | undefined;
  readonly decide: (command: never, deciding: Deciding<never, never>) => Decision;
  /** What a plain read gives besides answers: nothing by default. */
  readonly examples?: readonly string[];
}

/** Set by appending; read gives the last value. */
export interface ValueNode extends Common {
  readonly kind: "value";
  /** Where writing the former value does not take it back: what a person does to set it right. */
  readonly compensation?: string;
  readonly read: (scene: Scene<never, never>) => string;
  readonly decide: (text: string, deciding: Deciding<never, never>) => Decision;
}

/** An upload under way, or finished bytes, by digest. */
export interface BlobHandle {
  readonly size: number;
  /** The bytes may lie in `into`, which belongs to the caller again when the read has ended. */
  read(offset: number, count: number, into?: Uint8Array): Awaitable<Uint8Array>;
  /** True once the bytes so far are the blob: it is durable then. */
  append(bytes: Uint8Array): Awaitable<boolean>;
  /** Told when the bytes were the blob and the gate refused it all the same: they are nobody's then. */
  refused?(): void;
  close(): Awaitable<void>;
}

/** Bytes by digest; can be walked to, opened and appended before it exists. */
export interface BlobNode extends Common {
  readonly kind: "blob";
  readonly open: (scene: Scene<never, never>) => Awaitable<BlobHandle>;
  /** Decides what a complete upload means; judged by the gate like a control. */
  readonly complete: (upload: { readonly size: number }, deciding: Deciding<never, never>) => Decision;
  /** Size when complete, undefined before. */
  readonly size: (scene: Scene<never, never>) => Awaitable<number | undefined>;
}

/** One name below a directory that somebody else answers for. */
export interface Below {
  readonly name: string;
  readonly kind: "dir" | "file";
}

/** A tree whose names and shape somebody else answers for: tiles, the past. Its files are only read. */
export interface SubtreeNode extends Common {
  readonly kind: "subtree";
  /** Name of the parameter with the path below, such as `x001/067`; empty at the top. */
  readonly param: string;
  /** What stands at the path in the scene's parameter; undefined for nothing. Not asked about the top. */
  readonly at: (scene: Scene<never, never>) => Awaitable<"dir" | "file" | undefined>;
  readonly list: (scene: Scene<never, never>) => Awaitable<Iterable<Below>>;
  /** What each file below is; the parameter tells which. */
  readonly file: TextNode;
}

/** What hangs below another directory, once more: `alias("/worker")` below `/shard/13/worker`. */
export interface AliasNode extends Common {
  readonly kind: "alias";
  /** Path of the directory whose entries these are. */
  readonly to: string;
}

/** Everything that the tree is made of. */
export type Node =
  | DirNode
  | EachNode
  | TextNode
  | StreamNode
  | ControlNode
  | ValueNode
  | BlobNode
  | SubtreeNode
  | AliasNode;
