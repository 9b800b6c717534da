import { limits } from "../limits.ts";
import type { Json } from "../namespace/node.ts";
import { defineProvider, emitter, type Provider } from "../state/provider.ts";
import type { Cell, Table } from "../state/table.ts";

/** A type, not an interface, so that it is JSON to the compiler. */
export type Lifecycle = {
  readonly state: "BOOTING" | "ONLINE" | "DEGRADED" | "DRAINING" | "QUIESCED";
  readonly reason: string;
  /** Hive time at which the state was entered, milliseconds. */
  readonly since: number;
  readonly clock: "trusted" | "untrusted";
};

type Remembered = {
  readonly command: string;
  readonly seq: number;
  readonly time: number;
  readonly result: Json;
};
type Used = { readonly ops: number; readonly bytes: number };
/** An effect that has not ended. */
export type Pending = { readonly kind: string; readonly args: Json };

/** A key of the hive that another took the place of. */
export type Replaced = {
  /** Public key that came in its place, 64 hex digits. */
  readonly now: string;
  /** Hive time of the rotation, milliseconds. */
  readonly at: number;
  /** When what it signed stopped to count; 0 while it counts. */
  readonly retired: number;
};

type Rotated = {
  readonly kind: string;
  readonly old: string;
  readonly now: string;
  readonly retired: boolean;
};

function rotated({ replaced }: KernelSlice, { kind, old, now, retired }: Rotated, time: number): void {
  const name = `${kind}:${old}`;
  const at = replaced.get(name)?.at ?? time;
  replaced.set(name, { now, at, retired: retired ? time : 0 });
}

/** What the kernel itself keeps in state. */
export interface KernelSlice {
  readonly hive: Cell<{ readonly id: string; readonly name: string }>;
  readonly epoch: Cell<number>;
  readonly lifecycle: Cell<Lifecycle>;
  /** Idempotency: `subject\nkey` to the command and its answer; bound: 24 hours. */
  readonly keys: Table<Remembered>;
  /** Uses by block id; bound: the tickets that carry budgets. */
  readonly budgets: Table<Used>;
  /** Revoked block ids with the time. */
  readonly revoked: Table<number>;
  /** Unfinished effects by id. */
  readonly outbox: Table<Pending>;
  /** Keys of the hive that were replaced, by kind and public key; bound: the rotations. */
  readonly replaced: Table<Replaced>;
  readonly snapshot: Cell<{ readonly seq: number; readonly digest: string; readonly root: string } | null>;
}

const events = {
  "born@1": (slice: KernelSlice, data: { id: string; name: string }) =>
    slice.hive.set({ id: data.id, name: data.name }),
  "started@1": (slice: KernelSlice, data: { epoch: number }) => slice.epoch.set(data.epoch),
  "lifecycle@1": (slice: KernelSlice, data: Lifecycle) => slice.lifecycle.set(data),
  "keyed@1": (
    slice: KernelSlice,
    data: { name: string; command: string; result: Json },
    { seq, time }: { seq: number; time: number },
  ) => slice.keys.set(data.name, { command: data.command, seq, time, result: data.result }),
  "keys-forgotten@1": (slice: KernelSlice, data: { before: number }) => {
    for (const [name, known] of slice.keys.entries()) {
      if (known.time >= data.before) break;
      slice.keys.delete(name);
    }
  },
  "charged@1": (slice: KernelSlice, data: { blocks: readonly string[]; ops: number; bytes: number }) => {
    for (const id of data.blocks) {
      const used = slice.budgets.get(id) ?? { ops: 0, bytes: 0 };
      slice.budgets.set(id, { ops: used.ops + data.ops, bytes: used.bytes + data.bytes });
    }
  },
  "revoked@1": (slice: KernelSlice, data: { block: string }, { time }: { time: number }) =>
    slice.revoked.set(data.block, time),
  "snapshot@1": (slice: KernelSlice, data: { seq: number; digest: string; root: string }) =>
    slice.snapshot.set({ seq: data.seq, digest: data.digest, root: data.root }),
  "key-rotated@1": (slice: KernelSlice, data: Rotated, { time }: { time: number }) =>
    rotated(slice, data, time),
  "restored@1": () => undefined,
} as const;

// A keyed command may have been issued by so much later than it came, and be sent again until the horizon.
const keyKept = limits.keyHorizon + limits.clockJump;

/** Makes events of the kernel's own slice. */
export const emit = emitter(events);

/** The kernel's slice as the first provider; it mounts nothing. */
export function kernelProvider(): Provider {
  return defineProvider<KernelSlice>({
    name: "kernel",
    doc: "What the kernel itself remembers",
    initial: (scope) => ({
      hive: scope.cell("hive", { id: "", name: "" }),
      epoch: scope.cell("epoch", 0),
      lifecycle: scope.cell<Lifecycle>("lifecycle", {
        state: "BOOTING",
        reason: "start",
        since: 0,
        clock: "trusted",
      }),
      keys: scope.table("keys"),
      budgets: scope.table("budgets"),
      revoked: scope.table("revoked"),
      outbox: scope.table("outbox"),
      replaced: scope.table("replaced"),
      snapshot: scope.cell<{ seq: number; digest: string; root: string } | null>("snapshot", null),
    }),
    events,
    notify: {
      "revoked@1": (data: { block: string }, _meta, runtime) => {
        runtime.closeSessions((session) => session.blocks.includes(data.block));
      },
    },
    offers: { kernel: (slice) => slice },
    tick: {
      next: (slice) => {
        const oldest = slice.keys.first();
        return oldest === undefined ? undefined : (slice.keys.get(oldest)?.time ?? 0) + keyKept + 1;
      },
      decide: ({ now }) => ({ events: [emit("keys-forgotten@1", { before: now - keyKept })] }),
    },
    mounts: () => ({}),
  });
}
