import { type Cell, emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";

/** What is said of a GPU that nobody published. */
export const absentGpu = [
  "absent",
  "Cannot find GPU",
  { cure: "`skep gpu list` tells which there are", detail: "invalid-path" },
] as const;

/** A run under a lease. */
export type Run = {
  readonly run: string;
  readonly holder: string;
  /** SHA-256 of the command, hex. */
  readonly command: string;
  readonly since: number;
  readonly crumbs: number;
};

/** What a run came to, for the bill. */
export type Receipt = Omit<Run, "crumbs"> & {
  readonly until: number;
  readonly crumbs: number;
  /** Exit code; null where its lease ended first or nobody told. */
  readonly exit: number | null;
  /** Fingerprint of what the hive was configured to. */
  readonly manifest: string;
};

/** One GPU. */
export type Gpu = {
  /** As it was published. */
  readonly info: string;
  /** Subject that published it. */
  readonly publisher: string;
  /** Lines, the newest last, at most `mostLines`. */
  readonly lease: readonly string[];
  readonly status: readonly string[];
  readonly runs: readonly Run[];
  readonly receipts: readonly Receipt[];
};

/** A publication that comes in lines. */
export type Bridge = {
  readonly state: "idle" | "receiving" | "ok";
  /** Announced. */
  readonly bytes: number;
  readonly sha256: string;
  readonly parts: readonly string[];
  readonly got: number;
};

/** The slice. Bound: `mostGpus`, `mostModels`, and what a publication may have. */
export interface Gpus {
  readonly gpus: Table<Gpu>;
  /** Manifests of models that bridges published, by id. */
  readonly models: Table<string>;
  readonly schema: Cell<string>;
  readonly bridge: Cell<Bridge>;
  /** When GPUs go that were published for a time, unless they are published again. */
  readonly until: Table<number>;
}

/** Lines and receipts that are kept of a GPU. */
export const mostLines = 64;
/** GPUs of a hive. */
export const mostGpus = 4096;
/** Models that bridges publish. */
export const mostModels = 1024;

const idle: Bridge = { state: "idle", bytes: 0, sha256: "", parts: [], got: 0 };
const none: Gpu = { info: "", publisher: "", lease: [], status: [], runs: [], receipts: [] };

/** The slice of an empty journal. */
export const initial = (scope: Scope): Gpus => ({
  gpus: scope.table("gpus"),
  models: scope.table("models"),
  schema: scope.cell("schema", ""),
  bridge: scope.cell<Bridge>("bridge", idle),
  until: scope.table("until"),
});

const newest = <T>(list: readonly T[]): readonly T[] => list.slice(-mostLines);

function change({ gpus }: Gpus, id: string, of: (gpu: Gpu) => Partial<Gpu>): void {
  const before = gpus.get(id) ?? none;
  gpus.set(id, { ...before, ...of(before) });
}

/** What a publication says. */
export type Snapshot = {
  readonly nodes: readonly {
    readonly id: string;
    readonly info: string;
    readonly lease: readonly string[];
    readonly status: readonly string[];
  }[];
  readonly models: readonly { readonly id: string; readonly manifest: string }[];
  /** The model that runs there; `/gpu/models` heeds it. */
  readonly active: string | null;
  readonly schema: string | null;
};

function publish(slice: Gpus, { nodes, models, schema }: Snapshot, publisher: string): void {
  for (const { id, info, lease, status } of nodes) {
    change(slice, id, (before) => ({
      info,
      publisher,
      lease: newest([...before.lease, ...lease]),
      status: newest([...before.status, ...status]),
    }));
    slice.until.delete(id);
  }
  for (const { id, manifest } of models) slice.models.set(id, manifest);
  if (schema !== null) slice.schema.set(schema);
}

type Spawned = {
  readonly worker: string;
  readonly lease: { readonly gpu_id: string; readonly ttl_s?: number } | null;
};

/** How events fold. */
export const events = {
  "began@1": ({ bridge }: Gpus, { bytes, sha256 }: { bytes: number; sha256: string }) =>
    bridge.set({ state: "receiving", bytes, sha256, parts: [], got: 0 }),
  "part@1": ({ bridge }: Gpus, { part, bytes }: { part: string; bytes: number }) => {
    const before = bridge.get();
    bridge.set({ ...before, parts: [...before.parts, part], got: before.got + bytes });
  },
  "published@1": (
    slice: Gpus,
    { snapshot, bytes, sha256 }: { snapshot: Snapshot; bytes: number; sha256: string },
    { subject }: EventMeta,
  ) => {
    publish(slice, snapshot, subject);
    slice.bridge.set({ ...idle, state: "ok", bytes, sha256 });
  },
  "term@1": (slice: Gpus, { ids, until }: { ids: readonly string[]; until: number }) => {
    for (const id of ids) slice.until.set(id, until);
  },
  "gone@1": (slice: Gpus, { ids }: { ids: readonly string[] }) => {
    for (const id of ids) {
      slice.gpus.delete(id);
      slice.until.delete(id);
    }
  },
  "line@1": (slice: Gpus, { id, file, line }: { id: string; file: "lease" | "status"; line: string }) =>
    change(slice, id, (gpu) => ({ [file]: newest([...gpu[file], line]) })),
  "begun@1": (
    slice: Gpus,
    { id, ...run }: { id: string; run: string; holder: string; command: string },
    { time }: EventMeta,
  ) => change(slice, id, (gpu) => ({ runs: [...gpu.runs, { ...run, since: time, crumbs: 0 }] })),
  "crumb@1": (
    slice: Gpus,
    { id, run, text }: { id: string; run: string; text: string },
    { time }: EventMeta,
  ) =>
    change(slice, id, (gpu) => ({
      runs: gpu.runs.map((one) => (one.run === run ? { ...one, crumbs: one.crumbs + 1 } : one)),
      status: newest([
        ...gpu.status,
        JSON.stringify({ schema: "gpu-breadcrumb/v1", run, at_ms: time, text }),
      ]),
    })),
  "ended@1": (
    slice: Gpus,
    { id, run, exit, manifest }: { id: string; run: string; exit: number | null; manifest: string },
    { time }: EventMeta,
  ) =>
    change(slice, id, (gpu) => ({
      runs: gpu.runs.filter((one) => one.run !== run),
      receipts: newest([
        ...gpu.receipts,
        ...gpu.runs.filter((one) => one.run === run).map((one) => ({ ...one, until: time, exit, manifest })),
      ]),
    })),
  "queen:spawned@1": (slice: Gpus, { worker, lease }: Spawned) => {
    if (!lease || !slice.gpus.has(lease.gpu_id)) return;
    const line = JSON.stringify({ schema: "gpu-lease/v1", state: "ACTIVE", worker_id: worker, ...lease });
    change(slice, lease.gpu_id, (gpu) => ({ lease: newest([...gpu.lease, line]) }));
  },
} as const;

/** Makes events of GPUs. */
export const emit = emitter(events);
