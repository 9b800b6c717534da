import { hash } from "node:crypto";
import type { Caller, Json, Scene } from "@skep/kernel";
import type { Uses, Workers } from "./state.ts";

type At = Scene<Workers, Uses>;

function shard(id: string): string {
  return hash("sha256", id).slice(0, 2);
}

/** Which machines a caller sees; whoever may read all of them is not asked about each. */
function sight(caller: Caller): (id: string) => boolean {
  if (caller.may("/worker", "read")) return () => true;
  return (id) => caller.may(`/worker/${id}`, "read");
}

/** The ids that came last, at most so many, newest first; kept sorted, so that nobody sorts ten thousand. */
class Newest {
  readonly #most: number;
  readonly #kept: { readonly id: string; readonly since: number }[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get ids(): readonly string[] {
    return this.#kept.map(({ id }) => id);
  }

  /** Whether something of that time is among the last. */
  takes(since: number): boolean {
    return this.#kept.length < this.#most || since > (this.#kept.at(-1)?.since ?? 0);
  }

  add(id: string, since: number): void {
    const before = this.#kept.findIndex((kept) => kept.since < since);
    this.#kept.splice(before < 0 ? this.#kept.length : before, 0, { id, since });
    if (this.#kept.length > this.#most) this.#kept.pop();
  }
}

/** Machines that are gone are listed so many at most, those that came last first; the others by their name. */
export const listGone = 64;

/** What is listed below `/worker`: whoever is there, and the machines that were there last. */
function* listed({ state, views, caller }: At): Generator<string> {
  const sees = sight(caller);
  const gone = new Newest(listGone);
  for (const [id, { present, since }] of state.known.entries())
    if (present && sees(id)) yield id;
    else if (!present && gone.takes(since) && sees(id)) gone.add(id, since);
  yield* gone.ids;
  for (const id of views.spawned.ids()) if (sees(id)) yield id;
}

/** Names that a mount lists below `/worker`: to look at each costs its client over twenty requests. */
export const listBriefly = 48;

/** All names where they are few, else the machines that came last of those that are there. */
function brief(scene: At): readonly string[] {
  const { state, views, caller } = scene;
  const sees = sight(caller);
  const [there, gone] = [new Newest(listBriefly), new Newest(listBriefly)];
  let all = 0;
  for (const [id, { present, since }] of state.known.entries()) {
    const kept = present ? there : gone;
    if (!kept.takes(since)) all += 1;
    else if (sees(id)) {
      all += 1;
      kept.add(id, since);
    }
  }
  const spawned = [...views.spawned.ids()].filter(sees);
  if (all + spawned.length <= listBriefly) return [...listed(scene)];
  return [...there.ids, ...spawned, ...gone.ids].slice(0, listBriefly);
}

/** Rows that tell of a machine in `/worker.json`, at most. */
const mostRows = 10_000;

// All as they are at the first row, however much later the last one is asked for.
function* rowsOf({ state, views, caller }: At): Generator<Json> {
  const sees = sight(caller);
  const [known, spawned] = [[...state.known.entries()], [...views.spawned.ids()]];
  let left = mostRows;
  for (const [id, { present, since }] of known)
    if (left > 0 && sees(id)) {
      left -= 1;
      yield { id, kind: "process", present, since };
    }
  for (const id of spawned)
    if (left > 0 && sees(id)) {
      left -= 1;
      yield { id, kind: "spawned", present: true };
    }
}

const allShards = 256;

/** Shards that some machines are in; of many machines the first are in all of them. */
function shardsOf(ids: Iterable<string>): string[] {
  const found = new Set<string>();
  for (const id of ids) if (found.add(shard(id)).size === allShards) break;
  return [...found].toSorted();
}

/** The machines as a directory: more are there than are listed. */
export const machines = {
  list: listed,
  brief,
  rows: rowsOf,
  // A worker's own directory is there before its first hello.
  has: (id: string, { state, views, caller }: At) =>
    state.known.has(id) ||
    views.spawned.has(id) ||
    (caller.subject === id && caller.role.startsWith("worker")),
};

/** The shards of the machines, as a directory. */
export const shards = {
  list: (scene: At): string[] => shardsOf(listed(scene)),
  brief: (scene: At): string[] => shardsOf(brief(scene)),
  has: (name: string): boolean => /^[0-9a-f]{2}$/.test(name),
};

/** One shard's machines: all can be walked to, none is listed. */
export const machinesOfShard = {
  list: (): string[] => [],
  has: (id: string, scene: At): boolean => shard(id) === scene.params.shard && machines.has(id, scene),
};
