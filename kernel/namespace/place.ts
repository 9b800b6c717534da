import { createHash } from "node:crypto";
import type { Provider } from "../state/provider.ts";
import type { Awaitable, Node, Scene } from "./node.ts";

/** Which of a node's names this is: `x`, `x.follow` or `x.json`. */
export type Facet = "plain" | "follow" | "json";

/** A node where it hangs. Places are made once, at start; names that a state gives are matched by `each`. */
export interface Place {
  readonly node: Node;
  readonly facet: Facet;
  /** Index of the provider whose slice the node sees; -1 for directories that providers share. */
  readonly owner: number;
  /** Declared entries of a directory, in order. */
  readonly entries: Map<string, Place>;
  /** What hangs below each name of an `each`. */
  readonly child: Place | undefined;
}

/** A place with its parameters filled in: what a path leads to. */
export interface Found {
  readonly place: Place;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

function place(node: Node, owner: number, facet: Facet = "plain"): Place {
  const made: Place = {
    node,
    facet,
    owner,
    entries: new Map(),
    child: node.kind === "each" ? place(node.child, owner) : undefined,
  };
  if (node.kind === "dir") for (const [name, entry] of node.entries) hang(made, name, entry, owner);
  return made;
}

function add(dir: Place, name: string, entry: Place): void {
  if (dir.entries.has(name)) throw new Error(`Two nodes are mounted as "${name}" in one directory`);
  dir.entries.set(name, entry);
}

function hang(dir: Place, name: string, node: Node, owner: number): void {
  if (node.doc.trim() === "") throw new Error(`The node "${name}" has no doc`);
  add(dir, name, place(node, owner));
  if (node.kind === "stream") add(dir, `${name}.follow`, place(node, owner, "follow"));
  if (node.kind === "stream" || (node.kind === "text" && node.json))
    add(dir, `${name}.json`, place(node, owner, "json"));
}

function shared(doc: string): Place {
  return {
    node: { kind: "dir", doc, entries: new Map() },
    facet: "plain",
    owner: -1,
    entries: new Map(),
    child: undefined,
  };
}

function mount(root: Place, path: string, node: Node, owner: number): void {
  const names = path.split("/").slice(1);
  const last = names.pop() ?? "";
  let dir = root;
  for (const name of names) {
    const next = dir.entries.get(name) ?? shared(`Files below ${name}`);
    if (next.node.kind !== "dir") throw new Error(`Cannot mount ${path} below a file`);
    dir.entries.set(name, next);
    dir = next;
  }
  const before = dir.entries.get(last);
  if (before?.owner === -1 && node.kind === "dir") {
    // A directory that others already mounted into becomes declared: its entries join theirs.
    for (const [name, entry] of node.entries) hang(before, name, entry, owner);
    return;
  }
  hang(dir, last, node, owner);
}

/** The tree of everything mounted; a duplicate, an overlap or an empty doc fails here, at start. */
export function createTree(providers: readonly Provider[]): Place {
  const root = shared("The hive");
  const mounts = providers.flatMap((provider, owner) =>
    Object.entries(provider.tree).map(([path, node]) => ({ path, node, owner })),
  );
  mounts.sort((a, b) => a.path.split("/").length - b.path.split("/").length);
  for (const { path, node, owner } of mounts) mount(root, path, node, owner);
  return root;
}

/** One step down; undefined when there is nothing of that name. `scene` is that of the directory's owner. */
export function step(
  from: Found,
  name: string,
  scene: (found: Found) => Scene,
): Awaitable<Found | undefined> {
  const path = from.path === "/" ? `/${name}` : `${from.path}/${name}`;
  const { place: dir } = from;
  const entry = dir.entries.get(name);
  if (entry) return { place: entry, path, params: from.params };
  const { node, child } = dir;
  if (node.kind !== "each" || !child) return undefined;
  const found = { place: child, path, params: { ...from.params, [node.param]: name } };
  const known = node.has(name, scene(from) as Scene<never, never>);
  if (typeof known === "boolean") return known ? found : undefined;
  return known.then((yes) => (yes ? found : undefined));
}

/** A number below 2^53 that stays the same for a path: the qid path of 9P. */
export function pathNumber(path: string): number {
  const digest = createHash("sha256").update(path).digest();
  return digest.readUIntBE(0, 6) * 32 + ((digest[6] ?? 0) & 31);
}
