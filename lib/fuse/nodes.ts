import { fault } from "./faults.ts";

interface Node {
  readonly path: string;
  readonly key: string;
  /** How often the kernel was told its number. */
  lookups: bigint;
}

const root = 1;

/**
 * The numbers under which the kernel knows paths. A path keeps its number for as long as the kernel remembers it, so that
 * a working directory stays what it is; what was a directory and is a file is another node.
 */
export class Nodes {
  readonly #nodes = new Map<number, Node>();
  readonly #numbers = new Map<string, number>();
  #next = root + 1;

  /** The path of a number. Throws `fuse.forgotten`. */
  pathOf(nodeid: number): string {
    if (nodeid === root) return "/";
    const node = this.#nodes.get(nodeid);
    if (!node) throw fault.forgotten(nodeid);
    return node.path;
  }

  /** The path of a name in a directory. Throws `fuse.absent` for what can be no name. */
  childOf(nodeid: number, name: string | undefined): string {
    const parent = this.pathOf(nodeid);
    if (name === undefined || name === "" || name === "." || name === ".." || name.includes("/"))
      throw fault.absent(name);
    return parent === "/" ? `/${name}` : `${parent}/${name}`;
  }

  /** The number that the kernel is told for a path, once more. */
  remember(path: string, type: number): number {
    const key = `${type} ${path}`;
    const known = this.#numbers.get(key);
    const node = known === undefined ? undefined : this.#nodes.get(known);
    if (known !== undefined && node) {
      node.lookups += 1n;
      return known;
    }
    const nodeid = this.#next++;
    this.#nodes.set(nodeid, { path, key, lookups: 1n });
    this.#numbers.set(key, nodeid);
    return nodeid;
  }

  forget(nodeid: number, count: bigint): void {
    const node = this.#nodes.get(nodeid);
    if (!node) return;
    node.lookups -= count;
    if (node.lookups > 0n) return;
    this.#nodes.delete(nodeid);
    this.#numbers.delete(node.key);
  }

  /** How many the kernel remembers, beside the root. */
  get size(): number {
    return this.#nodes.size;
  }
}
