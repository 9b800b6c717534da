import { hash } from "node:crypto";
import type { Provider } from "../state/provider.ts";
import type { AliasNode, Awaitable, EachNode, Node, Scene, SubtreeNode, TextNode } from "./node.ts";

/** Which of a node's names this is: `x`, `x.follow`, `x.json` or `x.cbor`. */
export type Facet = "plain" | "follow" | "json" | "cbor";

/** A node where it hangs. Places are made once, at start; names that a state gives are matched by `each`. */
export interface Place {
  readonly node: Exclude<Node, AliasNode>;
  readonly facet: Facet;
  /** Index of the provider whose slice the node sees; -1 for directories that providers share. */
  readonly owner: number;
  /** Declared entries of a directory, in order. */
  readonly entries: Map<string, Place>;
  /** What hangs below each name of an `each`. */
  child: Place | undefined;
  /** The other names of each file below an `each`: `x.follow`, `x.json` and `x.cbor` of what is there as `x`. */
  twins?: ReadonlyMap<Facet, Place>;
}

/** A place with its parameters filled in: what a path leads to. */
export interface Found {
  readonly place: Place;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

function bare(doc: string): Place {
  return {
    node: { kind: "dir", doc, entries: new Map() },
    facet: "plain",
    owner: -1,
    entries: new Map(),
    child: undefined,
  };
}

/** The file that tells what a directory has. */
function told({ doc, right, visible, rows }: EachNode): TextNode {
  const json = (scene: Scene<never, never>) => [...(rows?.(scene) ?? [])];
  const hide = { ...(right !== undefined && { right }), ...(visible && { visible }) };
  return { kind: "text", doc, render: () => "", json, ...(rows && { rows }), ...hide };
}

/** The facets that a node has besides its plain one. */
function facetsOf(node: Node): Facet[] {
  if (node.kind === "stream") return ["follow", "json"];
  if (node.kind !== "text" || !node.json) return [];
  return node.cbor ? ["json", "cbor"] : ["json"];
}

class Planter {
  readonly root = bare("The hive");
  readonly #aliases: { readonly place: Place; readonly to: string }[] = [];

  #place(node: Node, owner: number, facet: Facet = "plain"): Place {
    if (node.kind === "alias") {
      const made = bare(node.doc);
      this.#aliases.push({ place: made, to: node.to });
      return made;
    }
    const child = node.kind === "each" ? this.#place(node.child, owner) : undefined;
    const made: Place = { node, facet, owner, entries: new Map(), child };
    if (node.kind === "each")
      made.twins = new Map(facetsOf(node.child).map((twin) => [twin, this.#place(node.child, owner, twin)]));
    if (node.kind === "dir" || node.kind === "each")
      for (const [name, entry] of node.entries ?? []) this.#hang(made, name, entry, owner);
    return made;
  }

  #add(dir: Place, name: string, entry: Place): void {
    if (dir.entries.has(name)) throw new Error(`Two nodes are mounted as "${name}" in one directory`);
    dir.entries.set(name, entry);
  }

  #hang(dir: Place, name: string, node: Node, owner: number): void {
    if (node.doc.trim() === "") throw new Error(`The node "${name}" has no doc`);
    this.#add(dir, name, this.#place(node, owner));
    if (node.kind === "each" && node.rows)
      this.#add(dir, `${name}.json`, this.#place(told(node), owner, "json"));
    for (const facet of facetsOf(node)) this.#add(dir, `${name}.${facet}`, this.#place(node, owner, facet));
  }

  // `:id` in a mount path stands for each entry of a directory that another provider declared.
  #descend(dir: Place, name: string, path: string): Place {
    if (name.startsWith(":")) {
      if (!dir.child) throw new Error(`Cannot mount ${path}: nothing has entries there`);
      return dir.child;
    }
    const next = dir.entries.get(name) ?? bare(`Files below ${name}`);
    if (next.node.kind !== "dir" && next.node.kind !== "each")
      throw new Error(`Cannot mount ${path} below a file`);
    dir.entries.set(name, next);
    return next;
  }

  mount(path: string, node: Node, owner: number): void {
    const names = path.split("/").slice(1);
    const last = names.pop() ?? "";
    let dir = this.root;
    for (const name of names) dir = this.#descend(dir, name, path);
    const before = dir.entries.get(last);
    if (before?.owner === -1 && node.kind === "dir") {
      // A directory that others already mounted into becomes declared: its entries join theirs.
      for (const [name, entry] of node.entries) this.#hang(before, name, entry, owner);
      return;
    }
    this.#hang(dir, last, node, owner);
  }

  /** Gives every alias what it stands for. */
  link(): void {
    for (const { place, to } of this.#aliases) {
      let target: Place | undefined = this.root;
      for (const name of to.split("/").slice(1))
        target = name.startsWith(":") ? target?.child : target?.entries.get(name);
      if (!target) throw new Error(`Cannot alias ${to}: nothing is mounted there`);
      const { node, owner, child, twins } = target;
      Object.assign(place, { node, owner, child, ...(twins && { twins }) });
      for (const [name, entry] of target.entries) place.entries.set(name, entry);
    }
  }
}

/** The tree of everything mounted; a duplicate, an overlap or an empty doc fails here, at start. */
export function createTree(providers: readonly Provider[]): Place {
  const planter = new Planter();
  const mounts = providers.flatMap((provider, owner) =>
    Object.entries(provider.tree).map(([path, node]) => ({ path, node, owner })),
  );
  mounts.sort((a, b) => a.path.split("/").length - b.path.split("/").length);
  for (const { path, node, owner } of mounts) planter.mount(path, node, owner);
  planter.link();
  return planter.root;
}

/** Whether names hang below a node. */
export function isDirectory({ place }: Found): boolean {
  const { kind } = place.node;
  return kind === "dir" || kind === "each" || kind === "subtree";
}

/** A name below a subtree, without asking whether it is there. */
export function below(from: Found, node: SubtreeNode, name: string, kind: "dir" | "file"): Found {
  const top = from.params[node.param] ?? "";
  const params = { ...from.params, [node.param]: top === "" ? name : `${top}/${name}` };
  const place: Place = kind === "dir" ? from.place : { ...from.place, node: node.file };
  return { place, path: `${from.path}/${name}`, params };
}

function stepBelow(
  from: Found,
  node: SubtreeNode,
  name: string,
  scene: (found: Found) => Scene,
): Awaitable<Found | undefined> {
  const kind = node.at(scene(below(from, node, name, "dir")) as Scene<never, never>);
  if (kind instanceof Promise) return kind.then((known) => known && below(from, node, name, known));
  return kind && below(from, node, name, kind);
}

/** The path that rights are asked for: `x.follow`, `x.json` and `x.cbor` are `x` under other names. */
export function rightPath({ path, place }: Found): string {
  return place.facet === "plain" ? path : path.slice(0, -(place.facet.length + 1));
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
  const { node } = dir;
  if (node.kind === "subtree") return stepBelow(from, node, name, scene);
  return stepAmong(from, name, path, scene);
}

/** One step to a name of an `each`, or to another facet of the file of that name. */
function stepAmong(
  from: Found,
  name: string,
  path: string,
  scene: (found: Found) => Scene,
): Awaitable<Found | undefined> {
  const { node, child, twins } = from.place;
  if (node.kind !== "each" || !child) return undefined;
  const among = (place: Place, called: string): Awaitable<Found | undefined> => {
    const found = { place, path, params: { ...from.params, [node.param]: called } };
    const known = node.has(called, scene(from) as Scene<never, never>);
    if (typeof known === "boolean") return known ? found : undefined;
    return known.then((yes) => (yes ? found : undefined));
  };
  const plain = among(child, name);
  const dot = name.lastIndexOf(".");
  const twin = twins?.get(name.slice(dot + 1) as Facet);
  if (dot < 1 || !twin) return plain;
  const called = name.slice(0, dot);
  if (plain instanceof Promise) return plain.then((found) => found ?? among(twin, called));
  return plain ?? among(twin, called);
}

/** A number below 2^53 that stays the same for a path: the qid path of 9P. */
export function pathNumber(path: string): number {
  const digest = hash("sha256", path, "buffer");
  return digest.readUIntBE(0, 6) * 32 + ((digest[6] ?? 0) & 31);
}
