import { type Cell, emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";

/** A lease that runs. */
export type Lease = {
  /** What it is of, such as `gpu/GPU-0`. */
  readonly resource: string;
  /** Subject that has it. */
  readonly holder: string;
  readonly units: number;
  /** A higher one can take its place, where it is asked to. */
  readonly priority: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** When it ends; null for as long as its worker lives. */
  readonly until: number | null;
  readonly renewals: number;
};

/** A lease that another took the place of, or that an operator took away. */
export type Preempted = Lease & { readonly lease: string; readonly at: number; readonly reason: string };

const counted = { granted: 0, renewed: 0, released: 0, expired: 0, preempted: 0 };

/** How often what happened. */
export type Counts = { readonly [Name in keyof typeof counted]: number };

/** The slice. Bound: leases by units, `mostNamed` resources and holders, `mostPreempted`. */
export interface Leases {
  readonly leases: Table<Lease>;
  /** Units of a resource that has more than one. */
  readonly units: Table<number>;
  /** Leases that a holder may have at most. */
  readonly quotas: Table<number>;
  readonly preempted: Table<Preempted>;
  readonly counts: Cell<Counts>;
}

/** Preemptions that are told about. */
export const mostPreempted = 64;
/** Resources and holders that something is said about, each. */
export const mostNamed = 10_000;

/** The slice of an empty journal. */
export const initial = (scope: Scope): Leases => ({
  leases: scope.table("leases"),
  units: scope.table("units"),
  quotas: scope.table("quotas"),
  preempted: scope.table("preempted"),
  counts: scope.cell<Counts>("counts", counted),
});

function count({ counts }: Leases, name: keyof Counts): void {
  const before = counts.get();
  counts.set({ ...before, [name]: before[name] + 1 });
}

function end(slice: Leases, id: string, how: keyof Counts): Lease | undefined {
  const lease = slice.leases.get(id);
  if (!lease) return undefined;
  slice.leases.delete(id);
  count(slice, how);
  return lease;
}

function preempt(slice: Leases, id: string, reason: string, at: number): void {
  const lease = end(slice, id, "preempted");
  if (!lease) return;
  slice.preempted.set(id, { ...lease, lease: id, at, reason });
  if (slice.preempted.size > mostPreempted) slice.preempted.delete(slice.preempted.first() ?? "");
}

function put(table: Table<number>, name: string, value: number | null): void {
  if (value === null) table.delete(name);
  else table.set(name, value);
}

type Granted = Omit<Lease, "since" | "renewals"> & { readonly lease: string };
type Spawned = {
  readonly worker: string;
  readonly expires: number | null;
  readonly lease: { readonly gpu_id: string; readonly priority: number } | null;
};

/** How events fold. */
export const events = {
  "granted@1": (slice: Leases, { lease, ...data }: Granted, { time }: EventMeta) => {
    slice.leases.set(lease, { ...data, since: time, renewals: 0 });
    count(slice, "granted");
  },
  "renewed@1": (slice: Leases, { lease, until }: { lease: string; until: number }) => {
    const found = slice.leases.get(lease);
    if (found) slice.leases.set(lease, { ...found, until, renewals: found.renewals + 1 });
    count(slice, "renewed");
  },
  "released@1": (slice: Leases, { lease }: { lease: string }) => void end(slice, lease, "released"),
  "expired@1": (slice: Leases, { lease }: { lease: string }) => void end(slice, lease, "expired"),
  "preempted@1": (slice: Leases, { lease, reason }: { lease: string; reason: string }, { time }: EventMeta) =>
    preempt(slice, lease, reason, time),
  "units@1": ({ units }: Leases, data: { resource: string; units: number | null }) =>
    put(units, data.resource, data.units),
  "quota@1": ({ quotas }: Leases, data: { holder: string; leases: number | null }) =>
    put(quotas, data.holder, data.leases),
  // A worker that is spawned for a GPU has it while it lives.
  "queen:spawned@1": (slice: Leases, { worker, expires, lease }: Spawned, { time }: EventMeta) => {
    if (!lease) return;
    const resource = `gpu/${lease.gpu_id}`;
    const { priority } = lease;
    slice.leases.set(worker, {
      ...{ resource, holder: worker, units: 1, priority, since: time, until: null, renewals: 0 },
      until: expires,
    });
    count(slice, "granted");
  },
  "queen:killed@1": (slice: Leases, { worker, reason }: { worker: string; reason: string }) =>
    void end(slice, worker, reason === "expired" ? "expired" : "released"),
} as const;

/** Makes events of leases. */
export const emit = emitter(events);
