import type { KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Chunker, type Sizes } from "@skep/chunks";
import {
  type Chunk,
  decodeManifest,
  decodeTable,
  encodeManifest,
  encodeTable,
  type Manifest,
  mostSmall,
  nameForm,
  signerOf,
  signManifest,
} from "@skep/provider-models";
import { checkFile, cutFile, digestOf } from "../chunked/file.ts";
import { fault } from "./faults.ts";

const sizes: Sizes = { least: 64 * 1024, average: 256 * 1024, most: 1024 * 1024 };

/** A packed model: a folder with `manifest.json`, `signature`, `schema`, `table` and `weights`. */
export interface Packed {
  readonly manifest: Manifest;
  /** As it was signed. */
  readonly bytes: Buffer;
  readonly signature: Buffer;
  readonly schema: Buffer;
  readonly table: Buffer;
  readonly chunks: readonly Chunk[];
  /** File of the weights. */
  readonly weights: string;
}

/** What is packed. */
export interface Source {
  /** File of the weights, or a folder with `adapter.safetensors` and `lora.json`. */
  readonly from: string;
  /** File that says what the weights are; in a folder it is `lora.json`. */
  readonly schema: string | undefined;
  readonly name: string;
  readonly serial: number;
  readonly base: string | undefined;
  /** Folder of the export that it was trained from. */
  readonly job: string | undefined;
  /** `NAME=VALUE`, for the provenance. */
  readonly notes: readonly string[];
}

async function filesOf({ from, schema }: Source): Promise<{ weights: string; schema: string }> {
  const isFolder = (await stat(from)).isDirectory();
  const weights = isFolder ? join(from, "adapter.safetensors") : from;
  const what = schema ?? (isFolder ? join(from, "lora.json") : undefined);
  if (what === undefined || !existsSync(weights) || !existsSync(what)) throw fault.adapter(from);
  return { weights, schema: what };
}

/** Where an adapter comes from, by the folder of its export job. Throws `model.job`. */
async function originOf(folder: string): Promise<{ base: string; provenance: Record<string, string> }> {
  const read = (name: string) =>
    readFile(join(folder, name)).catch((cause) => {
      throw fault.job(`${folder}: ${name}`, { cause });
    });
  const [telemetry, base, policy] = [
    await read("telemetry.cbor"),
    await read("base_model.ref"),
    await read("policy.toml"),
  ];
  const job = (await readFile(join(folder, "job"), "utf8").catch(() => "")).trim();
  return {
    base: base.toString("utf8").trim(),
    provenance: {
      ...(job !== "" && { job_id: job }),
      telemetry_sha256: digestOf(telemetry),
      policy_sha256: digestOf(policy),
    },
  };
}

function notesOf(notes: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    notes.map((note) => {
      const [, name, value] = /^([a-z][a-z0-9_]{0,63})=([\x20-\x7e]{0,256})$/.exec(note) ?? [];
      if (name === undefined || value === undefined) throw fault.note(note);
      return [name, value];
    }),
  );
}

/** Packs weights: cuts, signs, and copies them beside their manifest. Throws `model.*`. */
export async function packModel(source: Source, key: KeyObject, to: string): Promise<Packed> {
  if (!nameForm.test(source.name)) throw fault.name(source.name);
  const files = await filesOf(source);
  const origin = source.job === undefined ? undefined : await originOf(source.job);
  const provenance = { ...origin?.provenance, ...notesOf(source.notes) };
  const schema = await readFile(files.schema);
  if (schema.length === 0 || schema.length > mostSmall) throw fault.adapter(files.schema);
  await mkdir(to, { recursive: true });
  const weights = join(to, "weights");
  const { chunks, digest, bytes } = await cutFile(files.weights, weights, new Chunker(sizes));
  if (bytes === 0) throw fault.empty(files.weights);
  const table = encodeTable(chunks);
  const manifest: Manifest = {
    ...{ type: "skep-model/v1", name: source.name, serial: source.serial, model: digest, bytes },
    chunks: { count: chunks.length, sha256: digestOf(table) },
    schema: { bytes: schema.length, sha256: digestOf(schema) },
    base: source.base ?? origin?.base ?? "",
    provenance,
  };
  const encoded = encodeManifest(manifest);
  // What would not be read again is not signed.
  decodeManifest(encoded);
  const signature = signManifest(encoded, key);
  await writeFile(join(to, "schema"), schema);
  await writeFile(join(to, "table"), table);
  await writeFile(join(to, "signature"), signature);
  await writeFile(join(to, "manifest.json"), encoded);
  return { manifest, bytes: encoded, signature, schema, table, chunks, weights };
}

/** Reads a packed model, and checks all of it but the weights. Throws `model.{folder,payload}`, `models.*`. */
export async function readModel(folder: string): Promise<Packed> {
  const read = (name: string) =>
    readFile(join(folder, name)).catch((cause) => {
      throw fault.folder(`${folder}: ${name}`, { cause });
    });
  const bytes = await read("manifest.json");
  const manifest = decodeManifest(bytes);
  if (!manifest) throw fault.folder(folder);
  const [signature, schema, table] = [await read("signature"), await read("schema"), await read("table")];
  if (digestOf(schema) !== manifest.schema.sha256) throw fault.payload("schema");
  const chunks = decodeTable(table, manifest);
  return { manifest, bytes, signature, schema, table, chunks, weights: join(folder, "weights") };
}

/** Checks weights against their table and their name. Throws `model.payload`. */
export function checkWeights({ manifest, chunks }: Pick<Packed, "manifest" | "chunks">, path: string) {
  const { bytes, model: digest } = manifest;
  return checkFile(path, { chunks, bytes, digest }, (where) => fault.payload(where));
}

/** The key, of these in hex, that signed a packed model. Throws `models.signature`. */
export const keyOf = ({ bytes, signature }: Packed, keys: readonly string[]): string =>
  signerOf(bytes, signature, keys);
