import type { Right } from "./claims.ts";

/** A token bucket that a use must be taken from. */
export interface Meter {
  /** Names the bucket: the same for every ticket narrowed from the same block. */
  readonly key: string;
  /** Revocation id of the block that set the rate. */
  readonly block: string;
  /** Where the right stands that set it. */
  readonly path: string;
  /** Uses per second. */
  readonly rate: number;
}

/** Leave to use one verb at one path. */
export interface Grant {
  /** Every bucket that the use counts against, the tightest first; empty when no block set a rate. */
  readonly meters: readonly Meter[];
}

/** The rights of one block, under its revocation id. */
export interface BlockRights {
  readonly id: string;
  readonly rights: readonly Right[];
}

interface Placed {
  readonly block: number;
  readonly verb: string;
  readonly meter: Meter | undefined;
}

interface Node {
  readonly parent: Node | undefined;
  readonly children: Map<string, Node>;
  readonly placed: Placed[];
  readonly grants: Map<string, Grant | undefined>;
  reaches?: boolean;
}

/** What has been compiled from all blocks of a ticket. */
export interface Rights {
  allows(path: string, verb: string): Grant | undefined;
  reaches(path: string): boolean;
}

function createNode(parent?: Node): Node {
  return { parent, children: new Map(), placed: [], grants: new Map() };
}

function covers(right: string, verb: string): boolean {
  return right === verb || right === "*" || (right === "rw" && (verb === "read" || verb === "write"));
}

function plant(root: Node, blocks: readonly BlockRights[]): void {
  for (const [block, { id, rights }] of blocks.entries())
    for (const [at, { path, verb, rate }] of rights.entries()) {
      let node = root;
      for (const step of path.split("/").filter((text) => text !== "")) {
        const next = node.children.get(step) ?? createNode(node);
        node.children.set(step, next);
        node = next;
      }
      const meter = rate === undefined ? undefined : { key: `${id}/${at}`, block: id, path, rate };
      node.placed.push({ block, verb, meter });
    }
}

/** The rights of one block that decide at a node: those of the longest path that has the verb. */
function decisive(from: Node, block: number, verb: string): Placed[] {
  for (let node: Node | undefined = from; node; node = node.parent) {
    const found = node.placed.filter((each) => each.block === block && covers(each.verb, verb));
    if (found.length > 0) return found;
  }
  return [];
}

function decide(node: Node, blocks: number, verb: string): Grant | undefined {
  const meters: Meter[] = [];
  for (let block = 0; block < blocks; block++) {
    const found = decisive(node, block, verb);
    if (found.length === 0) return undefined;
    for (const { meter } of found) if (meter) meters.push(meter);
  }
  return { meters: meters.sort((a, b) => a.rate - b.rate) };
}

/** True for a path with an empty, `.` or `..` step, or that is not absolute: such a path is never granted. */
function isCrooked(path: string): boolean {
  if (!path.startsWith("/") || path.includes("//")) return true;
  if (path.length > 1 && path.endsWith("/")) return true;
  return path.includes("/.") && /\/\.{1,2}(?:\/|$)/.test(path);
}

/**
 * Compiles the rights of all blocks into one tree of path steps. A path is decided at the deepest node on its way,
 * because every right that is a prefix of the path lies on that way. Blocks that name no right leave rights alone.
 */
export function compileRights(all: readonly BlockRights[]): Rights {
  const blocks = all.filter(({ rights }) => rights.length > 0);
  const root = createNode();
  plant(root, blocks);
  const verbs = new Set(["read", "write", ...blocks.flatMap(({ rights }) => rights.map(({ verb }) => verb))]);
  verbs.delete("rw");

  function grantAt(node: Node, verb: string): Grant | undefined {
    const name = verbs.has(verb) ? verb : "*";
    if (!node.grants.has(name)) node.grants.set(name, decide(node, blocks.length, name));
    return node.grants.get(name);
  }

  function reachesFrom(node: Node): boolean {
    node.reaches ??=
      [...verbs].some((verb) => grantAt(node, verb) !== undefined) ||
      [...node.children.values()].some(reachesFrom);
    return node.reaches;
  }

  /** The deepest node on the way, and whether the whole path was walked. */
  function walk(path: string): { node: Node; whole: boolean } {
    let node = root;
    if (path === "/") return { node, whole: true };
    for (let from = 1; from <= path.length; ) {
      const slash = path.indexOf("/", from);
      const end = slash < 0 ? path.length : slash;
      const next = node.children.get(path.slice(from, end));
      if (!next) return { node, whole: false };
      node = next;
      from = end + 1;
    }
    return { node, whole: true };
  }

  // Whoever appends line by line asks the same each time.
  let last: { readonly path: string; readonly verb: string; readonly grant: Grant | undefined } | undefined;
  return {
    allows(path, verb) {
      if (last?.path === path && last.verb === verb) return last.grant;
      const grant = isCrooked(path) ? undefined : grantAt(walk(path).node, verb);
      last = { path, verb, grant };
      return grant;
    },
    reaches(path) {
      if (isCrooked(path)) return false;
      const { node, whole } = walk(path);
      return whole ? reachesFrom(node) : [...verbs].some((verb) => grantAt(node, verb) !== undefined);
    },
  };
}
