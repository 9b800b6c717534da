import { faults } from "@skep/fault";
import type { Limits } from "../limits.ts";
import { parsePath, within } from "../namespace/path.ts";

const fault = faults("space", {
  self: ["invalid", "Cannot bind what is above a place to that place", { detail: "invalid-path" }],
  root: ["invalid", "Cannot bind to the root", { detail: "invalid-path" }],
  full: ["quota", "Cannot bind more in this session", { detail: "buffer-full" }],
});

/** One place of a session's own. */
export interface Bound {
  readonly from: string;
  readonly to: string;
  /** Name of the service that was mounted; absent for what was bound. */
  readonly service?: string;
}

/** Places that a session may have of its own. */
const most = 64;

/**
 * What a session sees elsewhere than everybody: a bound place leads to what stands at another path, and that path is the
 * one that rights are asked for, so that a bind opens nothing.
 */
export class Space {
  readonly #bound = new Map<string, Bound>();

  /** Binds; a later bind to the same place replaces the one before. Throws `space.*` and `path.*`. */
  bind(bound: Bound, limits: Limits): void {
    Space.check(bound, limits);
    if (!this.#bound.has(bound.to) && this.#bound.size >= most) throw fault.full(most);
    this.#bound.set(bound.to, bound);
  }

  /** Whether paths could be bound; throws why not. */
  static check({ from, to }: Bound, limits: Limits): void {
    parsePath(from, limits);
    if (parsePath(to, limits).length === 0) throw fault.root();
    if (within(to, from)) throw fault.self(`${from} to ${to}`);
  }

  /** Where a path leads, where it is bound. */
  at(path: string): string | undefined {
    return this.#bound.get(path)?.from;
  }

  /** Names that are bound in a directory, and where they lead. */
  *in(dir: string): Generator<{ readonly name: string; readonly from: string }> {
    const head = dir === "/" ? "/" : `${dir}/`;
    for (const { from, to } of this.#bound.values())
      if (to.startsWith(head) && !to.includes("/", head.length)) yield { name: to.slice(head.length), from };
  }

  /** All of it, in the order in which it was bound. */
  get all(): readonly Bound[] {
    return [...this.#bound.values()];
  }
}
