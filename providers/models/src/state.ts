import { type Cell, emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";

/**
 * How far a model is. `plain`: without a manifest, its files come as the original sends them. `unverified`: all three of
 * these are there. `unsigned`: a manifest without its signature. `checking`, `pending`: signed, and looked at, or parts of it
 * are missing. `ready`: whole, verified. `quarantined`: not what was signed.
 */
export type Stage = "plain" | "unverified" | "unsigned" | "checking" | "pending" | "ready" | "quarantined";

/** Files of a model that are not its chunks. */
export const fileNames = ["manifest", "signature", "table", "schema", "weights"] as const;
/** One of them. */
export type FileName = (typeof fileNames)[number];

/** What a check of a signed model found. */
export type Found = {
  readonly stage: "pending" | "ready" | "quarantined";
  readonly name: string;
  readonly serial: number;
  readonly base: string;
  /** Of the weights. */
  readonly bytes: number;
  readonly chunks: number;
  /** Key that signed it, hex. */
  readonly key: string;
  /** Why it is in quarantine; empty where it is not. */
  readonly reason: string;
};

/** One model. */
export type Model = Omit<Found, "stage"> & {
  readonly stage: Stage;
  /** Bytes of each file that is here. */
  readonly files: Readonly<Partial<Record<FileName, number>>>;
  readonly since: number;
  /** Subject that brought it first. */
  readonly by: string;
};

/** A chunk that is here, and the model under which it came. */
export type Stored = { readonly bytes: number; readonly model: string };

/** What is active: an id, and the model of this hive, empty where a bridge published it. */
export type Active = { readonly id: string; readonly model: string };

/** What is active, since when, and what was before, the newest last. */
export type Pointer = Active & {
  readonly since: number;
  /** Record that made it so. */
  readonly record: number;
  readonly before: readonly Active[];
};

/** The newest release of a name. */
export type Release = { readonly serial: number; readonly model: string };

/** The slice. Bound: what the limits say, `mostNames`, `mostBefore`. */
export interface Models {
  readonly models: Table<Model>;
  readonly chunks: Table<Stored>;
  /** Kept when the model is retired, so that an old release does not come back as new. */
  readonly names: Table<Release>;
  readonly pointer: Cell<Pointer>;
  /** What a bridge said last is active. */
  readonly told: Cell<string>;
}

/** Names that serials are kept of. */
export const mostNames = 10_000;
/** How far one can go back. */
const mostBefore = 16;

/** Nothing. */
export const nothing: Active = { id: "", model: "" };
const start: Pointer = { ...nothing, since: 0, record: 0, before: [] };

/** The slice of an empty journal. */
export const initial = (scope: Scope): Models => ({
  models: scope.table("models"),
  chunks: scope.table("chunks"),
  names: scope.table("names"),
  pointer: scope.cell<Pointer>("pointer", start),
  told: scope.cell("told", ""),
});

const fresh: Omit<Model, "since" | "by"> = {
  stage: "plain",
  ...{ name: "", serial: 0, base: "", bytes: 0, chunks: 0, key: "", reason: "" },
  files: {},
};

type Meta = Pick<EventMeta, "time" | "subject">;

function change({ models }: Models, id: string, { time, subject }: Meta, of: (before: Model) => Model): void {
  models.set(id, of(models.get(id) ?? { ...fresh, since: time, by: subject }));
}

/** What a file that came makes of a model. */
function stageWith({ stage, files }: Model, file: FileName): Stage {
  if (file === "manifest") return "unsigned";
  if (files.manifest !== undefined) return file === "signature" ? "checking" : stage;
  const whole = (["weights", "schema", "signature"] as const).every(
    (each) => each === file || files[each] !== undefined,
  );
  return whole ? "unverified" : "plain";
}

function move({ pointer }: Models, to: Active, { time, seq }: EventMeta): void {
  const { id, model, before } = pointer.get();
  const kept = [...before, { id, model }].slice(-mostBefore);
  pointer.set({ ...to, since: time, record: seq, before: kept });
}

function goBack({ pointer }: Models, { time, seq }: EventMeta): void {
  const { before } = pointer.get();
  const last = before.at(-1) ?? nothing;
  pointer.set({ ...last, since: time, record: seq, before: before.slice(0, -1) });
}

type Published = { readonly snapshot: { readonly active: string | null } };

function publish(slice: Models, { snapshot }: Published, meta: EventMeta): void {
  const { active } = snapshot;
  if (active === null || active === slice.told.get()) return;
  // A bridge that says the same each second undoes nothing that was activated here meanwhile.
  slice.told.set(active);
  if (slice.pointer.get().id !== active)
    move(slice, { id: active, model: slice.names.get(active)?.model ?? "" }, meta);
}

/** How events fold. */
export const events = {
  "file@1": (
    slice: Models,
    { model, file, bytes }: { model: string; file: FileName; bytes: number },
    meta: EventMeta,
  ) =>
    change(slice, model, meta, (before) => ({
      ...before,
      stage: stageWith(before, file),
      files: { ...before.files, [file]: bytes },
      bytes: file === "weights" ? bytes : before.bytes,
    })),
  "chunk@1": (slice: Models, { digest, ...stored }: { digest: string } & Stored) => {
    if (!slice.chunks.has(digest)) slice.chunks.set(digest, stored);
  },
  "checking@1": (slice: Models, { model }: { model: string }, meta: EventMeta) =>
    change(slice, model, meta, (before) => ({ ...before, stage: "checking" })),
  "checked@1": (slice: Models, { model, ...found }: { model: string } & Found, meta: EventMeta) => {
    change(slice, model, meta, (before) => ({ ...before, ...found }));
    const { stage, name, serial } = found;
    if (stage === "ready" && serial > (slice.names.get(name)?.serial ?? 0))
      slice.names.set(name, { serial, model });
  },
  "unchecked@1": (slice: Models, { model }: { model: string }, meta: EventMeta) =>
    change(slice, model, meta, (before) => ({
      ...before,
      stage: before.stage === "checking" ? "pending" : before.stage,
    })),
  "retired@1": (slice: Models, { model }: { model: string }) => {
    const { name } = slice.models.get(model) ?? fresh;
    slice.models.delete(model);
    const release = slice.names.get(name);
    if (release?.model === model) slice.names.set(name, { ...release, model: "" });
    const pointer = slice.pointer.get();
    slice.pointer.set({ ...pointer, before: pointer.before.filter((each) => each.model !== model) });
  },
  "swept@1": (slice: Models, { digests }: { digests: readonly string[] }) => {
    for (const digest of digests) slice.chunks.delete(digest);
  },
  "activated@1": (slice: Models, to: Active, meta: EventMeta) => move(slice, to, meta),
  "returned@1": (slice: Models, _data: object, meta: EventMeta) => goBack(slice, meta),
  "gpu:published@1": publish,
} as const;

/** Makes events of models. */
export const emit = emitter(events);
