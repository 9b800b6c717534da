import { emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";

/** A setting of an export's policy. */
export type Policy = Readonly<Record<string, string | number | boolean>>;

/** What was copied of a device for others. */
export type Export = {
  readonly device: string;
  readonly segments: readonly string[];
  /** Name of the model that an adapter shall be made for; empty where there is none. */
  readonly base_model: string;
  readonly policy: Policy;
  readonly state: "pending" | "ready" | "failed";
  /** Hive time of the request, milliseconds since 1970. */
  readonly since: number;
  readonly bytes: number;
  readonly records: number;
  /** SHA-256 of the copy; empty before it is ready. */
  readonly digest: string;
  /** Why it failed. */
  readonly reason: string;
};

/** The part of the slice that is about exports. Bound: `mostExports`. */
export interface Exports {
  readonly exports: Table<Export>;
}

/** Exports that there may be at a time. */
export const mostExports = 256;

/** The part of an empty journal. */
export const initialExports = (scope: Scope): Exports => ({ exports: scope.table("exports") });

/** What copying found. */
export type Copied = { readonly bytes: number; readonly records: number; readonly digest: string };

type Asked = { readonly id: string } & Pick<Export, "device" | "segments" | "base_model" | "policy">;

/** How events of exports fold. */
export const exportEvents = {
  "export-asked@1": ({ exports }: Exports, { id, ...asked }: Asked, { time }: EventMeta) =>
    exports.set(id, {
      ...asked,
      ...{ state: "pending", since: time, bytes: 0, records: 0, digest: "", reason: "" },
    }),
  "export-made@1": ({ exports }: Exports, { id, ...copied }: { readonly id: string } & Copied) => {
    const known = exports.get(id);
    if (known) exports.set(id, { ...known, ...copied, state: "ready" });
  },
  "export-failed@1": ({ exports }: Exports, { id, reason }: { id: string; reason: string }) => {
    const known = exports.get(id);
    if (known) exports.set(id, { ...known, state: "failed", reason });
  },
  "export-removed@1": ({ exports }: Exports, { id }: { id: string }) => exports.delete(id),
} as const;

/** Makes events of exports. */
export const emitExport = emitter(exportEvents);
