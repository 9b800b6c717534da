import type { ZodType, z } from "zod";
import type {
  Act,
  AliasNode,
  Awaitable,
  Below,
  BlobHandle,
  BlobNode,
  ControlNode,
  Deciding,
  Decision,
  DirNode,
  EachNode,
  Inverse,
  Json,
  Node,
  Scene,
  StreamNode,
  SubtreeNode,
  TextNode,
  Undo,
  ValueNode,
} from "./node.ts";
import type { StreamSource } from "../state/ring.ts";

type Hide<S, V> = { readonly right?: string; readonly visible?: (scene: Scene<S, V>) => boolean };

/** `Act` with its types. */
export interface BuildAct<Command, S, V> extends Pick<Act, "class" | "data" | "compensation" | "as"> {
  readonly inverse?: (command: Command, deciding: Deciding<S, V>, result: Json) => Inverse;
  readonly target?: (command: Command, deciding: Deciding<S, V>) => Json;
  readonly about?: (
    command: Command,
    deciding: Deciding<S, V>,
  ) => { readonly label?: string; readonly machine?: string; readonly work?: string };
}

/** Builders of one provider's nodes, typed by its slice `S` and its views `V`. */
export interface Build<S, V> {
  dir(doc: string, entries: Readonly<Record<string, Node>>, hide?: Hide<S, V>): DirNode;
  each(
    doc: string,
    param: string,
    of: Hide<S, V> & {
      readonly list: (scene: Scene<S, V>) => Awaitable<Iterable<string>>;
      readonly brief?: (scene: Scene<S, V>) => Awaitable<Iterable<string>>;
      readonly rows?: (scene: Scene<S, V>) => Iterable<Json>;
      readonly has: (name: string, scene: Scene<S, V>) => Awaitable<boolean>;
      readonly entries?: Readonly<Record<string, Node>>;
    },
    child: Node,
  ): EachNode;
  /** A tree whose names and shape are answered for by these functions; its files are only read. */
  subtree(
    doc: string,
    param: string,
    of: Hide<S, V> & {
      readonly at: (scene: Scene<S, V>) => Awaitable<"dir" | "file" | undefined>;
      readonly list: (scene: Scene<S, V>) => Awaitable<Iterable<Below>>;
    },
    file: TextNode,
  ): SubtreeNode;
  /** The directory at `to`, whoever mounted it, under a second name. */
  alias(doc: string, to: string): AliasNode;
  text(
    doc: string,
    of: Hide<S, V> & {
      readonly render: (scene: Scene<S, V>) => Awaitable<string | Uint8Array>;
      readonly json?: (scene: Scene<S, V>) => Awaitable<Json>;
      readonly cbor?: boolean;
      readonly fixed?: boolean;
      readonly size?: (scene: Scene<S, V>) => number;
    },
  ): TextNode;
  stream(
    doc: string,
    of: Hide<S, V> & {
      readonly source: (scene: Scene<S, V>) => Awaitable<StreamSource>;
      readonly append?: (bytes: Uint8Array, scene: Scene<S, V>) => Awaitable<number>;
    },
  ): StreamNode;
  control<Input extends ZodType>(
    doc: string,
    of: Hide<S, V> & {
      readonly input: Input;
      readonly parse?: (line: string) => unknown;
      readonly secret?: readonly string[];
      readonly undo: Undo;
      readonly acts?: Readonly<Record<string, BuildAct<z.output<Input>, S, V>>>;
      readonly act?: (command: z.output<Input>) => string;
      readonly work?: boolean | ((command: z.output<Input>) => boolean);
      readonly outcome?: boolean;
      readonly examples?: readonly string[];
      readonly prepare?: (command: z.output<Input>, scene: Scene<S, V>) => Promise<void> | undefined;
      readonly decide: (command: z.output<Input>, deciding: Deciding<S, V>) => Decision;
    },
  ): ControlNode;
  value(
    doc: string,
    of: Hide<S, V> & {
      readonly compensation?: string;
      readonly read: (scene: Scene<S, V>) => string;
      readonly decide: (text: string, deciding: Deciding<S, V>) => Decision;
    },
  ): ValueNode;
  blob(
    doc: string,
    of: Hide<S, V> & {
      readonly open: (scene: Scene<S, V>) => Awaitable<BlobHandle>;
      readonly complete: (upload: { readonly size: number }, deciding: Deciding<S, V>) => Decision;
      readonly size: (scene: Scene<S, V>) => Awaitable<number | undefined>;
    },
  ): BlobNode;
}

/**
 * Builders whose callbacks are typed by a slice and views. The kernel passes each callback the slice of the
 * provider that declared it, which is what makes forgetting the type here safe.
 */
export function build<S, V>(): Build<S, V> {
  return {
    dir: (doc, entries, hide) =>
      ({ kind: "dir", doc, entries: new Map(Object.entries(entries)), ...hide }) as DirNode,
    each: (doc, param, { entries, ...of }, child) =>
      ({
        kind: "each",
        doc,
        param,
        child,
        entries: new Map(Object.entries(entries ?? {})),
        ...of,
      }) as unknown as EachNode,
    subtree: (doc, param, of, file) => ({ kind: "subtree", doc, param, file, ...of }) as SubtreeNode,
    alias: (doc, to) => ({ kind: "alias", doc, to }),
    text: (doc, of) => ({ kind: "text", doc, ...of }) as TextNode,
    stream: (doc, of) => ({ kind: "stream", doc, ...of }) as StreamNode,
    control: (doc, of) => ({ kind: "control", doc, ...of }) as unknown as ControlNode,
    value: (doc, of) => ({ kind: "value", doc, ...of }) as ValueNode,
    blob: (doc, of) => ({ kind: "blob", doc, ...of }) as unknown as BlobNode,
  };
}
