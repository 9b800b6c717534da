import { createHash } from "node:crypto";
import { Fault, faults } from "@skep/fault";
import type { JournalRecord, RecordEvent } from "../journal/record.ts";
import type { Json, Scene } from "../namespace/node.ts";
import type { Apply, EventMeta, Provider } from "../state/provider.ts";
import { State } from "../state/scope.ts";
import type { UndoLog } from "../state/table.ts";
import { type KernelSlice, kernelProvider } from "./slice.ts";

const fault = faults("state", {
  event: [
    "unsupported",
    "Cannot read the journal: this program does not know an event in it",
    { cure: "Start the version of Skep that wrote it, or a newer one" },
  ],
});
const unknownEvent = "state.event";

interface Fold {
  readonly slice: unknown;
  readonly apply: Apply<never>;
  readonly owner: number;
}

/** One provider with its slice and the views that it uses. */
export interface Bound {
  readonly provider: Provider;
  readonly slice: unknown;
  readonly views: Record<string, unknown>;
  /** Sequence after the last record that changed the slice: versions grow with it. */
  changed: number;
  /** Time of that record, milliseconds. */
  changedAt: number;
}

/** The part of a record that changes state. */
export type Change = Pick<JournalRecord, "seq" | "time" | "subject" | "events" | "effects"> & {
  readonly outcome?: string | undefined;
};

/** All slices of a program's providers: the state, and how events fold into it. */
export class Slices {
  readonly state = new State();
  readonly bound: readonly Bound[];
  readonly kernel: KernelSlice;
  /** Names the program's way of folding: snapshots of another are ignored. */
  readonly code: string;
  readonly #offers = new Map<string, unknown>();
  readonly #folds = new Map<string, Fold[]>();
  readonly #lifts = new Map<string, { readonly to: string; readonly lift: (data: never) => Json }>();

  constructor(providers: readonly Provider[], version: string) {
    const all = [kernelProvider(), ...providers];
    this.bound = all.map((provider) => ({
      provider,
      slice: provider.initial(this.state.scope(provider.name)),
      views: {},
      changed: 0,
      changedAt: 0,
    }));
    this.kernel = this.bound[0]?.slice as KernelSlice;
    for (const [owner, bound] of this.bound.entries()) this.#register(bound, owner);
    this.#connect();
    this.code = createHash("sha256")
      .update([version, ...this.#folds.keys()].join("\n"))
      .digest("hex")
      .slice(0, 16);
  }

  #register({ provider, slice }: Bound, owner: number): void {
    for (const [name, apply] of Object.entries(provider.events)) {
      const type = name.includes(":") ? name : `${provider.name}:${name}`;
      this.#folds.set(type, [...(this.#folds.get(type) ?? []), { slice, apply, owner }]);
    }
    for (const [name, lift] of Object.entries(provider.lifts ?? {}))
      this.#lifts.set(`${provider.name}:${name}`, lift);
  }

  /** A view that some provider offers, by name. */
  view<T>(name: string): T {
    if (!this.#offers.has(name)) throw new Error(`Nobody offers the view "${name}"`);
    return this.#offers.get(name) as T;
  }

  /** The same, or undefined where nobody does. */
  offered<T>(name: string): T | undefined {
    return this.#offers.get(name) as T | undefined;
  }

  #connect(): void {
    const offers = this.#offers;
    for (const { provider, slice } of this.bound)
      for (const [name, offer] of Object.entries(provider.offers ?? {})) {
        if (offers.has(name)) throw new Error(`Two providers offer the view "${name}"`);
        offers.set(name, (offer as (state: unknown) => unknown)(slice));
      }
    for (const { provider, views } of this.bound)
      for (const name of provider.uses ?? []) {
        if (!offers.has(name))
          throw new Error(`${provider.name} uses the view "${name}", which nobody offers`);
        views[name] = offers.get(name);
      }
  }

  #lifted(type: string, data: Json): { readonly type: string; readonly data: Json } {
    const lift = this.#lifts.get(type);
    if (!lift) return { type, data };
    return this.#lifted(lift.to, lift.lift(data as never));
  }

  /** Folds a record; unknown events throw, since a journal of a newer program must not be misread. */
  apply(record: Change): void {
    const meta = { seq: record.seq, time: record.time, subject: record.subject };
    this.#fold(record.events, meta);
    const { outbox } = this.kernel;
    for (const { id, kind, args } of record.effects) outbox.set(id, { kind, args });
    if (record.outcome !== undefined) outbox.delete(record.outcome);
  }

  #fold(events: readonly RecordEvent[], meta: EventMeta): void {
    for (const event of events) {
      const { type, data } = this.#lifted(event.t, event.d);
      const folds = this.#folds.get(type);
      if (!folds) throw fault.event(type);
      for (const { slice, apply, owner } of folds) {
        apply(slice as never, data as never, meta);
        const bound = this.bound[owner];
        if (bound) {
          bound.changed = meta.seq + 1;
          bound.changedAt = meta.time;
        }
      }
    }
  }

  /** Folds the events of a record that is about to be written; on a throw nothing has changed. */
  draft(record: Change): void {
    const { drafting } = this.state;
    drafting.undo = [];
    let kept = false;
    try {
      this.apply(record);
      kept = true;
    } catch (error) {
      this.#takeBack(drafting.undo, record.seq);
      // A decision that gives an unknown event is a mistake of this program, not of the journal.
      throw error instanceof Fault && error.code === unknownEvent ? new Error(error.message) : error;
    } finally {
      drafting.undo = undefined;
      for (const table of drafting.waiting.splice(0)) table.end(kept);
    }
  }

  #takeBack(undo: UndoLog, seq: number): void {
    this.state.drafting.undo = undefined;
    for (const act of undo.reverse()) act();
    // The next record has this sequence again, and another version than what is shown now.
    for (const bound of this.bound) bound.changed = Math.min(bound.changed, seq);
  }

  /** What a node of provider `owner` sees. */
  scene(owner: number, { params, path, caller, now, seq, ring }: Omit<Scene, "state" | "views">): Scene {
    const bound = this.bound[owner];
    // Field by field, not spread: one is made for each record of telemetry.
    return { state: bound?.slice, views: bound?.views ?? {}, params, path, caller, now, seq, ring };
  }
}
