import type { Json } from "@skep/kernel";
import { fault } from "./faults.ts";
import type { At } from "./files.ts";
import type { Manifest } from "./manifest.ts";
import type { Model, Pointer } from "./state.ts";
import { lackingOf, type Store } from "./store.ts";

const lines = (rows: Readonly<Record<string, string | number>>): string =>
  Object.entries(rows)
    .map(([name, value]) => `${name}=${value === "" ? "-" : value}\n`)
    .join("");

/** How far a model is. */
export async function statusOf({ state, params }: At, store: Store, refused: number) {
  const { model = "" } = params;
  const known = state.models.get(model);
  const missing =
    known?.files.table === undefined ? (known?.chunks ?? 0) : (await lackingOf(model, state, store)).length;
  const isDamaged = known?.stage === "ready" && missing > 0;
  const { code: reason = known?.reason ?? "", cure = "" } = isDamaged ? fault.damaged() : {};
  const { stage = "empty", name = "", serial = 0, base = "", bytes = 0, chunks = 0 } = known ?? {};
  return {
    ...{ model, state: isDamaged ? "damaged" : stage, name, serial, base, bytes, chunks, missing },
    lacks: known?.stage === "pending" ? lacksOf(known) : "",
    quarantined: refused + (stage === "quarantined" ? 1 : 0),
    signed_by: known?.key ?? "",
    ...{ reason, cure },
    by: known?.by ?? "",
  };
}

const lacksOf = ({ files }: Model): string =>
  (["schema", "table"] as const).filter((file) => files[file] === undefined).join(",");

/** The same in lines. */
export function statusText(status: Awaited<ReturnType<typeof statusOf>>): string {
  return lines(status);
}

/** What is active, and how one came there. */
export function pointerJson({ id, model, since, record, before }: Pointer): {
  readonly [name: string]: Json;
} {
  return { id, model, since_ms: since, record, before: before.map((each) => ({ ...each })) };
}

/** The same in lines. */
export function pointerText({ id, model, since, record, before }: Pointer): string {
  return lines({
    id,
    model,
    since_ms: since,
    record,
    before: before.map((each) => each.id || "-").join(","),
  });
}

const text = (value: string): string => JSON.stringify(value);

/** A manifest in the form of the original's registry. */
export function manifestToml(manifest: Manifest, key: string): string {
  const { name, base, model, bytes, serial, schema, provenance } = manifest;
  const origin = Object.entries(provenance).map(([member, value]) => `${member} = ${text(value)}`);
  return [
    "[model]",
    `id = ${text(name)}`,
    `base = ${text(base)}`,
    `cas_sha256 = ${text(model)}`,
    `serial = ${serial}`,
    "",
    "[provenance]",
    ...origin,
    `signed_by = ${text(key)}`,
    "",
    "[hashes]",
    `weights_sha256 = ${text(model)}`,
    `weights_bytes = ${bytes}`,
    `schema_sha256 = ${text(schema.sha256)}`,
    `schema_bytes = ${schema.bytes}`,
    "",
  ].join("\n");
}
