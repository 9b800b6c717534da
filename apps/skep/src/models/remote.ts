import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { decodeManifest, decodeTable, digestForm, type Manifest } from "@skep/provider-models";
import { z } from "zod";
import { type Chunk, digestOf, fillFile, sendChunks } from "../chunked/file.ts";
import { put } from "../chunked/remote.ts";
import { appendLine } from "../client/control.ts";
import { replacePrivate } from "../client/files.ts";
import { fault } from "./faults.ts";
import { checkWeights, type Packed } from "./pack.ts";

const mostTable = 64 * 1024 * 1024;

const Status = z.object({
  model: z.string(),
  state: z.enum([
    "empty",
    "plain",
    "unverified",
    "unsigned",
    "checking",
    "pending",
    "ready",
    "damaged",
    "quarantined",
  ]),
  name: z.string(),
  serial: z.number(),
  base: z.string(),
  bytes: z.number(),
  chunks: z.number(),
  missing: z.number(),
  lacks: z.string(),
  signed_by: z.string(),
  reason: z.string(),
  cure: z.string().default(""),
});

/** How far the hive is with a model. */
export type ModelStatus = z.output<typeof Status>;

const Pointer = z.object({
  id: z.string(),
  model: z.string(),
  since_ms: z.number(),
  before: z.array(z.object({ id: z.string(), model: z.string() })),
});

/** What is active in the hive, and what was before. */
export type ModelPointer = z.output<typeof Pointer>;

const pathOf = (model: string, file: string): string => `/models/${model}/${file}`;

async function jsonOf(client: Client, path: string, signal?: AbortSignal): Promise<unknown> {
  return JSON.parse((await client.readAll(path, { signal })).toString("utf8"));
}

/** How far it is, once no check is under way. */
export async function statusOf(client: Client, model: string, signal?: AbortSignal): Promise<ModelStatus> {
  return Status.parse(await jsonOf(client, pathOf(model, "status.json"), signal));
}

/** What is active. */
export async function pointerOf(client: Client, signal?: AbortSignal): Promise<ModelPointer> {
  return Pointer.parse(await jsonOf(client, "/models/active.json", signal));
}

/** Models of the hive. */
export async function modelsOf(client: Client, signal?: AbortSignal): Promise<ModelStatus[]> {
  const all: ModelStatus[] = [];
  for (const { name } of await client.readdir("/models", { signal }))
    if (digestForm.test(name)) all.push(await statusOf(client, name, signal));
  return all;
}

/** The digest of a model by its name (the newest release) or its digest. Throws `model.none`. */
export async function digestFor(client: Client, id: string, signal?: AbortSignal): Promise<string> {
  if (digestForm.test(id)) return id;
  const found = (await modelsOf(client, signal))
    .filter(({ name, state }) => name === id && ["ready", "damaged"].includes(state))
    .toSorted((one, other) => other.serial - one.serial);
  if (!found[0]) throw fault.none(id);
  return found[0].model;
}

/** Throws `model.named` where a model was asked for by a name, and its signed manifest has another. */
export function checkNamed({ name }: Manifest, id: string): void {
  if (!digestForm.test(id) && name !== id) throw fault.named(`${name} for ${id}`);
}

type Sending = { readonly sent: (bytes: number) => void; readonly signal?: AbortSignal };

const bring = (client: Client, path: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void> =>
  put(client, path, bytes, { there: "models.fixed", signal });

async function sendWeights(
  client: Client,
  { manifest: { model }, chunks, weights }: Packed,
  { sent, signal }: Sending,
): Promise<void> {
  const text = await client.readAll(pathOf(model, "missing"), { signal, limit: mostTable });
  const wanted = text.toString("utf8").split("\n").filter(Boolean);
  const send = async (digest: string, bytes: Buffer): Promise<void> => {
    await bring(client, pathOf(model, `chunks/${digest}`), bytes, signal);
    sent(bytes.length);
  };
  await sendChunks(weights, chunks, wanted, send, (where) => fault.payload(where));
}

/** Brings a model to the hive: what is there already does not travel, so it goes on after any cut. */
export async function importModel(client: Client, packed: Packed, sending: Sending): Promise<ModelStatus> {
  const { signal } = sending;
  const { model } = packed.manifest;
  const file = (name: string, bytes: Uint8Array) => bring(client, pathOf(model, name), bytes, signal);
  const before = await statusOf(client, model, signal);
  if (before.state === "empty") await file("manifest.json", packed.bytes);
  else if (["plain", "unverified"].includes(before.state)) throw fault.other(model);
  else {
    const theirs = await client.readAll(pathOf(model, "manifest.json"), { signal });
    if (!theirs.equals(packed.bytes)) throw fault.other(packed.manifest.name);
  }
  if (["empty", "unsigned"].includes(before.state)) await file("signature", packed.signature);
  const signed = await statusOf(client, model, signal);
  if (signed.state === "damaged") {
    await sendWeights(client, packed, sending);
    return statusOf(client, model, signal);
  }
  if (signed.state !== "pending") return signed;
  if (signed.lacks.includes("table")) await file("table", packed.table);
  if (signed.lacks.includes("schema")) await file("schema", packed.schema);
  await sendWeights(client, packed, sending);
  await appendLine(client, pathOf(model, "ctl"), '{"op":"finish"}', signal);
  return statusOf(client, model, signal);
}

/** How a model is fetched. */
export interface Fetching {
  /** Folder that becomes a packed model. */
  readonly to: string;
  /** Keys of which one has to have signed it; none asks for none. */
  readonly check: (packed: Omit<Packed, "weights">) => void;
  readonly signal?: AbortSignal;
  /** Told of each step: a test cuts the power there. */
  readonly step?: (name: string) => void;
}

async function manifestOf(client: Client, model: string, signal?: AbortSignal) {
  const { state, name } = await statusOf(client, model, signal);
  if (state !== "ready") throw fault.unready(`${name || model} is ${state}`);
  const bytes = await client.readAll(pathOf(model, "manifest.json"), { signal });
  const manifest = decodeManifest(bytes);
  if (!manifest || manifest.model !== model) throw fault.payload("manifest.json");
  return { bytes, manifest };
}

async function fetchWeights(
  client: Client,
  { manifest, chunks, path }: { manifest: Manifest; chunks: readonly Chunk[]; path: string },
  { signal, step }: Fetching,
): Promise<number> {
  let fetched = 0;
  const find = async ({ digest }: Chunk): Promise<Buffer> => {
    const found = await client.readAll(pathOf(manifest.model, `chunks/${digest}`), { signal });
    if (digestOf(found) !== digest) throw fault.payload(digest);
    fetched += found.length;
    return found;
  };
  await fillFile(path, { chunks, bytes: manifest.bytes }, find, () => step?.("chunk written"));
  return fetched;
}

/** Fetches a model into a folder and checks every byte; what is there already does not travel. Throws `model.*`, `models.*`. */
export async function fetchModel(
  client: Client,
  model: string,
  fetching: Fetching,
): Promise<{ readonly manifest: Manifest; readonly fetched: number }> {
  const { to, check, signal, step } = fetching;
  const { bytes, manifest } = await manifestOf(client, model, signal);
  const all = (file: string) => client.readAll(pathOf(model, file), { signal, limit: mostTable });
  const [signature, schema, table] = [await all("signature"), await all("schema"), await all("table")];
  if (digestOf(schema) !== manifest.schema.sha256) throw fault.payload("schema");
  const chunks = decodeTable(table, manifest);
  check({ manifest, bytes, signature, schema, table, chunks });
  for (const [file, content] of Object.entries({ signature, schema, table }))
    replacePrivate(join(to, file), content);
  const path = join(to, "weights");
  const fetched = await fetchWeights(client, { manifest, chunks, path }, fetching);
  await checkWeights({ manifest, chunks }, path);
  step?.("weights there");
  // Last: where it is, all of it is.
  replacePrivate(join(to, "manifest.json"), bytes);
  step?.("manifest there");
  return { manifest, fetched };
}
