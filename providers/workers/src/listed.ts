import { createHash } from "node:crypto";
import type { Caller, Json, Scene } from "@skep/kernel";
import type { Known, Uses, Workers } from "./state.ts";

type At = Scene<Workers, Uses>;

function shard(id: string): string {
  return createHash("sha256").update(id).digest("hex").slice(0, 2);
}

function sees(caller: Caller, id: string): boolean {
  return caller.may(`/worker/${id}`, "read");
}

/** Machines that are gone are listed so many at most, those that came last first; the others by their name. */
export const listGone = 64;

/** What is listed below `/worker`: whoever is there, and the machines that were there last. */
function* listed({ state, views, caller }: At): Generator<string> {
  const gone: [string, Known][] = [];
  for (const [id, worker] of state.known.entries())
    if (!sees(caller, id)) continue;
    else if (worker.present) yield id;
    else gone.push([id, worker]);
  gone.sort(([, a], [, b]) => b.since - a.since);
  for (const [id] of gone.slice(0, listGone)) yield id;
  for (const id of views.spawned.ids()) if (sees(caller, id)) yield id;
}

/** Names that a mount lists below `/worker`: to look at each costs its client over twenty requests. */
export const listBriefly = 64;

/** All names where they are few, else the machines that came last of those that are there. */
function brief(scene: At): readonly string[] {
  const all = [...listed(scene)];
  if (all.length <= listBriefly) return all;
  const { known } = scene.state;
  const gone = (id: string): number => (known.get(id)?.present === false ? 1 : 0);
  const since = (id: string): number => known.get(id)?.since ?? 0;
  return all.toSorted((a, b) => gone(a) - gone(b) || since(b) - since(a)).slice(0, listBriefly);
}

/** Rows that tell of a machine in `/worker.json`, at most. */
const mostRows = 10_000;

function rowsOf({ state, views, caller }: At): Json {
  const rows: { id: string; kind: string; present: boolean; since?: number }[] = [];
  for (const [id, { present, since }] of state.known.entries())
    if (rows.length < mostRows && sees(caller, id)) rows.push({ id, kind: "process", present, since });
  for (const id of views.spawned.ids())
    if (rows.length < mostRows && sees(caller, id)) rows.push({ id, kind: "spawned", present: true });
  return rows;
}

const shardsOf = (ids: Iterable<string>): string[] => [...new Set(Array.from(ids, shard))].toSorted();

/** The machines as a directory: more are there than are listed. */
export const machines = {
  list: listed,
  brief,
  json: rowsOf,
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
