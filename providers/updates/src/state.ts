import { emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";

/** How far an update is: its chunks come, its manifest is checked, chunks are missing, all is there, or it is bad. */
export type Stage = "chunks" | "checking" | "pending" | "ready" | "quarantined";

/** What a check of a manifest and its chunks found. */
export type Found = {
  readonly stage: "pending" | "ready" | "quarantined";
  readonly form: "fixed" | "content";
  readonly manifestBytes: number;
  readonly manifestSha256: string;
  readonly payloadBytes: number;
  readonly payloadSha256: string;
  readonly chunkBytes: number;
  readonly chunks: number;
  readonly missing: number;
  readonly base: string;
  /** Key that signed it, hex. */
  readonly key: string;
  /** Why it is in quarantine; empty where it is not. */
  readonly reason: string;
};

/** One update. */
export type Update = Omit<Found, "stage"> & {
  readonly stage: Stage;
  /** Chunks that were appended before its manifest. */
  readonly early: number;
  readonly since: number;
};

/** A chunk that is here, and the update under which it came. */
export type Stored = { readonly bytes: number; readonly epoch: string };

/** The slice. Bound: as many updates and chunks as the limits say. */
export interface Updates {
  readonly epochs: Table<Update>;
  readonly chunks: Table<Stored>;
}

/** The slice of an empty journal. */
export const initial = (scope: Scope): Updates => ({
  epochs: scope.table("epochs"),
  chunks: scope.table("chunks"),
});

const fresh: Update = {
  stage: "chunks",
  form: "fixed",
  manifestBytes: 0,
  manifestSha256: "",
  payloadBytes: 0,
  payloadSha256: "",
  chunkBytes: 0,
  chunks: 0,
  missing: 0,
  base: "",
  key: "",
  reason: "",
  early: 0,
  since: 0,
};

function change(slice: Updates, epoch: string, time: number, of: (before: Update) => Update): void {
  slice.epochs.set(epoch, of(slice.epochs.get(epoch) ?? { ...fresh, since: time }));
}

type Chunked = { readonly epoch: string; readonly digest: string; readonly bytes: number };

/** How events fold. */
export const events = {
  "chunk@1": (slice: Updates, { epoch, digest, bytes }: Chunked, { time }: EventMeta) => {
    const known = slice.chunks.has(digest);
    if (!known) slice.chunks.set(digest, { bytes, epoch });
    change(slice, epoch, time, (before) => ({
      ...before,
      early: before.early + (before.stage === "chunks" && !known ? 1 : 0),
      missing: Math.max(0, before.missing - (known ? 0 : 1)),
    }));
  },
  "checking@1": (slice: Updates, { epoch }: { epoch: string }, { time }: EventMeta) =>
    change(slice, epoch, time, (before) => ({ ...before, stage: "checking" })),
  "checked@1": (slice: Updates, { epoch, ...found }: { epoch: string } & Found, { time }: EventMeta) =>
    change(slice, epoch, time, (before) => ({ ...before, ...found })),
  "unchecked@1": (slice: Updates, { epoch }: { epoch: string }, { time }: EventMeta) =>
    change(slice, epoch, time, (before) => ({
      ...before,
      stage: before.stage === "checking" ? "pending" : before.stage,
    })),
  "retired@1": (slice: Updates, { epoch }: { epoch: string }) => slice.epochs.delete(epoch),
  "swept@1": (slice: Updates, { digests }: { digests: readonly string[] }) => {
    for (const digest of digests) slice.chunks.delete(digest);
  },
} as const;

/** Makes events of updates. */
export const emit = emitter(events);
