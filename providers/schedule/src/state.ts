import { type Cell, emitter, type EventMeta, type Json, type Scope, type Table } from "@skep/kernel";
import type { Window } from "./window.ts";

/** What is submitted when. */
export type Entry = {
  /** A line for `/jobs/ctl` without its `op`. */
  readonly job: Json;
  /** Those of equal time go in the order of this, the highest first. */
  readonly priority: number;
  /** Milliseconds between two; 0 for one time only. */
  readonly every: number;
  readonly window: Window | null;
  /** How often it is still submitted; null for ever. */
  readonly left: number | null;
  /** When it is submitted next, milliseconds since 1970. */
  readonly due: number;
  readonly paused: boolean;
  /** How often it was. */
  readonly fired: number;
  /** Tells it from an earlier one of the same id: the record that made it. */
  readonly since: number;
  /** What became of the last: the job's id, or why there is none. */
  readonly last: string;
};

const none = { submitted: 0, refused: 0 };

/** The slice. Bound: `mostEntries`. */
export interface Schedule {
  readonly entries: Table<Entry>;
  readonly counts: Cell<typeof none>;
}

/** Entries that there may be. */
export const mostEntries = 1000;

/** The slice of an empty journal. */
export const initial = (scope: Scope): Schedule => ({
  entries: scope.table("entries"),
  counts: scope.cell("counts", none),
});

type Added = Omit<Entry, "fired" | "since" | "last" | "paused"> & { readonly id: string };

function change({ entries }: Schedule, id: string, act: (entry: Entry) => Entry): void {
  const entry = entries.get(id);
  if (entry) entries.set(id, act(entry));
}

/** How events fold. */
export const events = {
  "added@1": ({ entries }: Schedule, { id, ...data }: Added, { seq }: EventMeta) =>
    entries.set(id, { ...data, paused: false, fired: 0, since: seq, last: "" }),
  "removed@1": ({ entries }: Schedule, { id }: { id: string }) => entries.delete(id),
  "paused@1": (slice: Schedule, { id, paused }: { id: string; paused: boolean }) =>
    change(slice, id, (entry) => ({ ...entry, paused })),
  "priority@1": (slice: Schedule, { id, priority }: { id: string; priority: number }) =>
    change(slice, id, (entry) => ({ ...entry, priority })),
  "fired@1": (slice: Schedule, { id, due, left }: { id: string; due: number; left: number | null }) =>
    change(slice, id, (entry) => ({ ...entry, due, left, fired: entry.fired + 1 })),
  "told@1": (slice: Schedule, data: { id: string; since: number; ok: boolean; last: string }) => {
    const { counts } = slice;
    const { submitted, refused } = counts.get();
    counts.set(data.ok ? { submitted: submitted + 1, refused } : { submitted, refused: refused + 1 });
    change(slice, data.id, (entry) => (entry.since === data.since ? { ...entry, last: data.last } : entry));
    // One that is over stays until it is known what became of it.
    const entry = slice.entries.get(data.id);
    if (entry?.left === 0) slice.entries.delete(data.id);
  },
} as const;

/** Makes events of the schedule. */
export const emit = emitter(events);
