import { emitter, type EventMeta, type Json, type Scope, type Table } from "@skep/kernel";
import type { Slot } from "./duty.ts";

/** Where a write stands. */
export type WriteState = "queued" | "claimed" | "running" | "succeeded" | "failed" | "expired" | "unknown";

/** One write to one point of a bus. */
export type Write = {
  /** Number of the record that queued it. */
  readonly n: number;
  readonly key: string;
  readonly bus: string;
  readonly point: string;
  readonly value: number;
  readonly by: string;
  readonly ttl: number;
  readonly state: WriteState;
  /** Since when it is in this state, milliseconds since 1970. */
  readonly since: number;
  /** An open one ends by itself then. */
  readonly deadline: number;
  /** Which start of the bridge claimed it; empty before. */
  readonly claim: string;
  /** What stood at the point before. */
  readonly before: Json;
  readonly evidence: Json;
  readonly reason: string;
};

/** Whether what an adapter tells passes, or is spooled. */
export type LinkState = {
  readonly state: "online" | "offline";
  readonly since: number;
  readonly reason: string;
};

/** The bridge of a bus, or the gateway of a radio, as it said hello last. */
export type Bridge = {
  readonly incarnation: string;
  readonly version: string;
  readonly since: number;
  readonly points: readonly string[];
  /** Points that its own configuration lets be written. */
  readonly writable: readonly string[];
  /** Points that it lets be operated, for which nothing tells or undoes it; left out by those that have none. */
  readonly operable?: readonly string[];
  /** Starts that it took the place of, the newest first, at most `most.former`; left out before the second. */
  readonly former?: readonly string[];
};

/** A transmission that was granted, and has not been told of. */
export type Frame = Slot & {
  readonly radio: string;
  readonly payload: string;
  readonly by: string;
  /** Begun ones may be on the air already, and are not begun again. */
  readonly state: "granted" | "begun";
  /** Which start of the gateway began it; empty before. */
  readonly claim: string;
};

/** What became of a granted transmission; unsure where nobody can tell, expired where nobody began it. */
export type FrameEnd = "sent" | "refused" | "unsure" | "expired";

/** A transmission that is over. */
export type Outcome = Slot & {
  readonly n: number;
  readonly bytes: number;
  readonly by: string;
  readonly state: FrameEnd;
  readonly reason: string;
  readonly since: number;
  /** False where the hive gave it up, so that its gateway may still tell. */
  readonly told: boolean;
};

/** A transmission that was refused. */
export type Tamper = {
  readonly ts: number;
  readonly reason: "payload-oversize" | "duty-cycle";
  readonly bytes: number;
  /** How many of one sender within that second. */
  readonly count: number;
};

/** The slice. Bound: `most` of everything, and of refused transmissions what the configuration says. */
export interface Buses {
  readonly links: Table<LinkState>;
  readonly bridges: Table<Bridge>;
  readonly writes: Table<Write>;
  /** Writes by their idempotency key. */
  readonly keys: Table<string>;
  /** Deadlines of writes that have not ended. */
  readonly open: Table<number>;
  /** Transmissions of the last window, by radio. */
  readonly slots: Table<readonly Slot[]>;
  /** By their number. */
  readonly frames: Table<Frame>;
  /** The last that are over, by radio. */
  readonly outcomes: Table<readonly Outcome[]>;
  /** Refused transmissions, and the number of the record that told of the last. */
  readonly tampers: Table<{ readonly seq: number; readonly entries: readonly Tamper[] }>;
}

/** Bounds of the slice. */
export const most = { open: 256, kept: 2000, frames: 1024, points: 500, outcomes: 256, former: 16 } as const;
/** How long an ended write and its key are remembered, milliseconds. */
export const keepMs = 24 * 3_600_000;
/** A granted transmission that nobody told of for so long after its time is given up, milliseconds. */
export const frameMs = 60_000;

/** The slice of an empty journal. */
export const initial = (scope: Scope): Buses => ({
  links: scope.table("links"),
  bridges: scope.table("bridges"),
  writes: scope.table("writes"),
  keys: scope.table("keys"),
  open: scope.table("open"),
  slots: scope.table("slots"),
  frames: scope.table("frames"),
  outcomes: scope.table("outcomes"),
  tampers: scope.table("tampers"),
});

/** States that a write does not leave by itself. */
export const isOver = (state: WriteState): boolean =>
  state !== "queued" && state !== "claimed" && state !== "running";

// The last changed stands last, so that the first that ended is the first to be forgotten.
function set(slice: Buses, id: string, write: Write): void {
  slice.writes.delete(id);
  slice.writes.set(id, write);
  if (isOver(write.state)) slice.open.delete(id);
  else slice.open.set(id, write.deadline);
}

function change(slice: Buses, id: string, more: (write: Write) => Partial<Write>, { time }: EventMeta): void {
  const write = slice.writes.get(id);
  if (write) set(slice, id, { ...write, since: time, ...more(write) });
}

type Asked = Pick<Write, "key" | "bus" | "point" | "value" | "ttl"> & { readonly id: string };

/** What a write came to. */
export type Ended = Pick<Write, "state" | "reason" | "evidence"> & { readonly id: string };

// Whoever came first stays the older one, however often it comes back.
function formerOf(before: Bridge | undefined, incarnation: string): Pick<Bridge, "former"> {
  if (!before) return {};
  const { former = [] } = before;
  if (before.incarnation === incarnation) return former.length === 0 ? {} : { former };
  return { former: [before.incarnation, ...former].slice(0, most.former) };
}

/** What is told of a transmission. */
export type FrameTold = Pick<Outcome, "n" | "state" | "reason" | "told"> & { readonly radio: string };

function tell({ frames, outcomes }: Buses, { radio, n, ...ended }: FrameTold, time: number): void {
  const frame = frames.get(String(n));
  const before = outcomes.get(radio) ?? [];
  const known = before.find((one) => one.n === n);
  frames.delete(String(n));
  if (frame) {
    const { at, ms, by, payload } = frame;
    const bytes = Buffer.from(payload, "base64").length;
    const fresh = { n, at, ms, bytes, by, ...ended, since: time };
    outcomes.set(radio, [...before, fresh].slice(-most.outcomes));
  } else if (known)
    outcomes.set(
      radio,
      before.map((one) => (one === known ? { ...known, ...ended, since: time } : one)),
    );
}

/** How events fold. */
export const events = {
  "linked@1": (
    { links }: Buses,
    { adapter, state, reason }: Pick<LinkState, "state" | "reason"> & { adapter: string },
    { time }: EventMeta,
  ) => links.set(adapter, { state, since: time, reason }),
  "hello@1": (
    { bridges }: Buses,
    { adapter, ...told }: Omit<Bridge, "since" | "former"> & { adapter: string },
    { time }: EventMeta,
  ) => bridges.set(adapter, { ...told, since: time, ...formerOf(bridges.get(adapter), told.incarnation) }),
  // It is for the bridge, and changes nothing here.
  "noted@1": (_slice: Buses, _note: { adapter: string; op: string; text: string }) => undefined,
  "asked@1": (slice: Buses, { id, ...asked }: Asked, { seq, time, subject }: EventMeta) => {
    slice.keys.set(`${asked.bus} ${asked.key}`, id);
    const fresh = { claim: "", before: null, evidence: null, reason: "" };
    const deadline = time + asked.ttl;
    set(slice, id, { ...asked, ...fresh, n: seq, by: subject, state: "queued", since: time, deadline });
  },
  "claimed@1": (slice: Buses, { id, incarnation }: { id: string; incarnation: string }, meta: EventMeta) =>
    change(slice, id, () => ({ state: "claimed", claim: incarnation }), meta),
  "running@1": (slice: Buses, { id, before }: { id: string; before: Json }, meta: EventMeta) =>
    change(slice, id, ({ ttl }) => ({ state: "running", before, deadline: meta.time + ttl }), meta),
  "ended@1": (slice: Buses, { id, ...told }: Ended, meta: EventMeta) => change(slice, id, () => told, meta),
  "forgotten@1": (slice: Buses, { ids }: { ids: readonly string[] }) => {
    for (const id of ids) {
      const write = slice.writes.get(id);
      if (write) slice.keys.delete(`${write.bus} ${write.key}`);
      slice.writes.delete(id);
    }
  },
  "granted@1": (
    { slots, frames }: Buses,
    { n, radio, at, ms, payload, since }: Slot & { n: number; radio: string; payload: string; since: number },
    { subject }: EventMeta,
  ) => {
    const counted = (slots.get(radio) ?? []).filter((slot) => slot.at + slot.ms > since);
    slots.set(radio, [...counted, { at, ms }]);
    frames.set(String(n), { radio, at, ms, payload, by: subject, state: "granted", claim: "" });
  },
  "begun@1": ({ frames }: Buses, { n, incarnation }: { n: number; incarnation: string }) => {
    const frame = frames.get(String(n));
    if (frame) frames.set(String(n), { ...frame, state: "begun", claim: incarnation });
  },
  "told@1": (slice: Buses, ended: FrameTold, { time }: EventMeta) => tell(slice, ended, time),
  "sent@1": ({ frames }: Buses, { ns }: { ns: readonly number[] }) => {
    for (const n of ns) frames.delete(String(n));
  },
  "tampered@1": (
    { tampers }: Buses,
    {
      radio,
      seq,
      most: kept,
      entries,
    }: { radio: string; seq: number; most: number; entries: readonly Tamper[] },
  ) => {
    const before = tampers.get(radio)?.entries ?? [];
    tampers.set(radio, { seq, entries: [...before, ...entries].slice(-kept) });
  },
} as const;

/** Makes events of buses. */
export const emit = emitter(events);
