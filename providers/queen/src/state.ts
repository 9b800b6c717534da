import { type Bound, emitter, type EventMeta, type Cell, type Scope, type Table } from "@skep/kernel";

/** A GPU lent to a worker, as the original writes it. */
export type Lease = {
  readonly gpu_id: string;
  readonly mem_mb: number;
  readonly streams: number;
  readonly ttl_s: number;
  readonly priority: number;
};

/** A worker that the queen spawned. */
export type Spawned = {
  readonly kind: "heartbeat" | "gpu";
  /** Hive time, milliseconds since 1970. */
  readonly since: number;
  /** When it is killed; null for never. */
  readonly expires: number | null;
  /** Heartbeats that it shall send; null for a worker of another kind. */
  readonly ticks: number | null;
  /** Operations that a session of this worker may make; null for no limit. */
  readonly ops: number | null;
  readonly lease: Lease | null;
};

/** The slice. Bound: the limit of live workers. */
export interface Queen {
  /** Number of the last worker; numbers are never used again. */
  readonly last: Cell<number>;
  readonly live: Table<Spawned>;
}

/** The slice of an empty journal. */
export const initial = (scope: Scope): Queen => ({
  last: scope.cell("last", 0),
  live: scope.table<Spawned>("live"),
});

/** How events fold. */
export const events = {
  "spawned@1": (
    { last, live }: Queen,
    { worker, ...rest }: { worker: string } & Omit<Spawned, "since">,
    { time }: EventMeta,
  ) => {
    last.set(Math.max(last.get(), Number(worker.slice("worker-".length))));
    live.set(worker, { ...rest, since: time });
  },
  "killed@1": ({ live }: Queen, { worker }: { worker: string; reason: string }) => live.delete(worker),
  "revoked@1": (_slice: Queen, _data: { block: string }) => undefined,
  "bound@1": (_slice: Queen, _data: Bound & { session: string }) => undefined,
  "clock-confirmed@1": (_slice: Queen, _data: { drift: number }) => undefined,
} as const;

/** Makes events of the queen. */
export const emit = emitter(events);
