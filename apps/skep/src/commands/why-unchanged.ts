import { toFault } from "@skep/fault";
import type { TreeActs } from "@skep/kernel";
import type { Client } from "@skep/ninep";
import { statOf } from "../client/tree.ts";

/** What is there although no record ever told of it. */
export interface Unchanged {
  readonly path: string;
  readonly kind: string;
  /** What the file is for, where this program knows it. */
  readonly doc: string;
  /** None: the index has no record of the path, nor of a directory above it. */
  readonly changes: readonly [];
  /** One calm line. */
  readonly summary: string;
}

type Kind = NonNullable<ReturnType<TreeActs["what"]>>["kind"];

/** What each kind is in words, and why no record may tell of it. */
const words: Readonly<Record<Kind, readonly [what: string, because: string]>> = {
  dir: ["a directory", "it is part of the program"],
  each: ["a directory", "it lists what there is now"],
  subtree: ["a directory", "it is made from the journal and changes nothing"],
  text: ["a text", "it is made anew from the present state at each read"],
  stream: ["a stream", "what is appended to a stream is not journalled line by line"],
  control: ["a control", "nobody has written a command to it"],
  value: ["a value", "nobody has set it"],
  blob: ["a file named by its digest", "its bytes cannot change"],
};

// The other names of a file are told of as the file.
const plain = (path: string): string => path.replace(/\.(follow|json|cbor)$/, "");

/** Tells of a path that is there; undefined where nothing is, or nothing that the caller may see. */
export async function unchanged(
  client: Client,
  path: string,
  signal: AbortSignal,
): Promise<Unchanged | undefined> {
  const stat = await statOf(client, path, signal).catch((thrown: unknown) => {
    if (["absent", "denied"].includes(toFault(thrown).kind)) return undefined;
    throw thrown;
  });
  if (!stat) return undefined;
  const { programActs } = await import("../policy/set-files.ts");
  const tree = programActs();
  const known = tree.what(path) ?? tree.what(plain(path));
  const [what, because] = known ? words[known.kind] : [`a ${stat.kind === "dir" ? "directory" : "file"}`, ""];
  const doc = known?.doc ?? "";
  const is = `${path} is ${what}${doc === "" ? "" : ` ("${doc}")`}`;
  const summary = `${is}; no record of the journal changed it${because === "" ? "" : `: ${because}`}`;
  return { path, kind: known?.kind ?? stat.kind, doc, changes: [], summary };
}
