import { faults } from "@skep/fault";
import type { Slices } from "../core/slices.ts";
import { limits } from "../limits.ts";
import type { Below, Caller, Scene } from "../namespace/node.ts";
import { parsePath } from "../namespace/path.ts";
import { createTree, type Found, isDirectory, type Place, step } from "../namespace/place.ts";
import { inside } from "../session/inside.ts";
import { renderNode } from "../session/render.ts";
import { Ring } from "../state/ring.ts";

const fault = faults("past", {
  absent: ["absent", "Cannot walk there: there was no such entry at that time", { detail: "invalid-path" }],
  notDirectory: ["notDirectory", "Cannot list what was not a directory", { detail: "invalid-path" }],
  isDirectory: ["isDirectory", "Cannot read a directory as a file", { detail: "invalid-path" }],
  read: ["denied", "Cannot read this as it was with this ticket", { detail: "denied" }],
});

// What stands in state stays: commands, streams and blobs are no state.
function stays({ node, entries, child }: Place): boolean {
  if (node.kind === "text" || node.kind === "value" || node.kind === "subtree") return true;
  if (node.kind === "each") return child !== undefined && stays(child);
  return node.kind === "dir" && [...entries.values()].some(stays);
}

/**
 * The files of the journalled providers as they were after one record, for callers of the present: only what the
 * caller's ticket reaches now is there. Streams, controls, blobs and `/at` itself are not.
 */
export class PastTree {
  readonly #slices: Slices;
  readonly #at: { readonly seq: number; readonly time: number };
  readonly #root: Found;

  /** `slices` were folded up to and with record `seq`, whose time is `time`. */
  constructor(slices: Slices, at: { readonly seq: number; readonly time: number }) {
    this.#slices = slices;
    this.#at = at;
    // The others keep their place in the list, since nodes find their slice by it.
    const providers = slices.bound.map(({ provider }) =>
      provider.journalled === false ? { ...provider, tree: {} } : provider,
    );
    this.#root = { place: createTree(providers), path: "/", params: {} };
  }

  #scene({ place, path, params }: Found, caller: Caller): Scene {
    const { seq, time } = this.#at;
    const ring = (): Ring => new Ring(1);
    return this.#slices.scene(place.owner, { params, path, caller, now: time, seq, ring });
  }

  #seen(found: Found, caller: Caller): boolean {
    const { visible } = found.place.node;
    if (!stays(found.place) || !caller.reaches(found.path)) return false;
    return visible === undefined || visible(this.#scene(found, caller) as Scene<never, never>);
  }

  async #find(path: string, caller: Caller): Promise<Found | undefined> {
    let found: Found | undefined = this.#root;
    for (const name of parsePath(path, limits)) {
      if (!isDirectory(found)) return undefined;
      found = await step(found, name, (at) => this.#scene(at, caller));
      if (!found || !this.#seen(found, caller)) return undefined;
    }
    return found;
  }

  /** What stood at a path; undefined for nothing that this caller may see. */
  async kind(path: string, caller: Caller): Promise<"dir" | "file" | undefined> {
    const found = await this.#find(path, caller);
    return found && (isDirectory(found) ? "dir" : "file");
  }

  /** Names of a directory; throws `past.absent` or `past.notDirectory`. */
  async list(path: string, caller: Caller): Promise<Below[]> {
    const found = await this.#find(path, caller);
    if (!found) throw fault.absent(path);
    if (!isDirectory(found)) throw fault.notDirectory(path);
    const entries: Below[] = [];
    for (const at of await inside(found, this.#scene(found, caller))) {
      if (!this.#seen(at, caller)) continue;
      const name = at.path.slice(at.path.lastIndexOf("/") + 1);
      entries.push({ name, kind: isDirectory(at) ? "dir" : "file" });
      if (entries.length >= limits.entries) break;
    }
    return entries;
  }

  /** Bytes of a file; throws `past.absent`, `past.isDirectory` or `past.read`. */
  async read(path: string, caller: Caller): Promise<Uint8Array> {
    const found = await this.#find(path, caller);
    if (!found) throw fault.absent(path);
    const { node, facet } = found.place;
    if (node.kind !== "text" && node.kind !== "value") throw fault.isDirectory(path);
    const allowed = caller.may(path, "read") && (node.right === undefined || caller.may(path, node.right));
    if (!allowed) throw fault.read(path);
    return renderNode(node, facet, this.#scene(found, caller) as Scene<never, never>);
  }
}
