import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { defineProvider, fullAuthority } from "@skep/kernel";
import { openBlobs } from "@skep/storage";
import { type RecordingFiles, recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { encodeManifest, encodeTable, type Manifest, mountModels, signManifest } from "./mod.ts";

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

/** A private key from its 32 bytes in hex, as RFC 8410 wraps them. */
export function keyFrom(seed: string): KeyObject {
  const der = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.from(seed, "hex"),
  ]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** The key that the rig's hive trusts. */
export const release = keyFrom("0123456789abcdef".repeat(4));
const publicHex = Buffer.from(release.export({ format: "jwk" }).x ?? "", "base64url").toString("hex");

/** A model with its parts. */
export interface Made {
  readonly manifest: Manifest;
  readonly bytes: Buffer;
  readonly table: Buffer;
  readonly schema: Buffer;
  readonly chunks: readonly Buffer[];
  readonly signature: Buffer;
}

/** Makes a model of these chunks. */
export function made(
  name: string,
  serial: number,
  chunks: readonly Buffer[],
  { key = release, ...change }: Partial<Manifest> & { readonly key?: KeyObject } = {},
): Made {
  const weights = Buffer.concat(chunks);
  const table = encodeTable(chunks.map((each) => ({ digest: sha256(each), bytes: each.length })));
  const schema = Buffer.from('{"rank":8}');
  const manifest: Manifest = {
    ...{ type: "skep-model/v1", name, serial, model: sha256(weights), bytes: weights.length },
    chunks: { count: chunks.length, sha256: sha256(table) },
    schema: { bytes: schema.length, sha256: sha256(schema) },
    base: "",
    provenance: { job_id: "job_8932" },
    ...change,
  };
  const bytes = encodeManifest(manifest);
  return { manifest, bytes, table, schema, chunks, signature: signManifest(bytes, key) };
}

/** Some bytes that differ by their seed. */
export const part = (seed: string, length = 400): Buffer => Buffer.alloc(length, `${seed} `);

/** A hive with models and a bridge that published `vision-base-v1`. */
export async function rig(
  t: TestContext,
  {
    files = recordingFiles(),
    blobs = "",
    keys = [publicHex],
  }: { files?: RecordingFiles; blobs?: string; keys?: readonly string[] } = {},
) {
  const dir = blobs || mkdtempSync(join(tmpdir(), "skep-models-"));
  const store = openBlobs(dir);
  const { provider, holds } = mountModels({
    blobs: store,
    files,
    keys,
    limits: { models: 6, chunks: 100, bytes: 100_000 },
  });
  const gpu = defineProvider<null>({
    name: "gpu",
    doc: "Stands for the bridge",
    initial: () => null,
    events: { "published@1": () => undefined },
    offers: {
      bridged: () => ({
        ids: () => ["vision-base-v1"],
        manifest: (id: string) => (id === "vision-base-v1" ? `id = "${id}"` : undefined),
      }),
    },
    mounts: () => ({}),
  });
  const kernel = await toyHive({ files, clock: simulatedClock(), providers: [provider, gpu] });
  t.after(async () => {
    await kernel.close();
    if (blobs === "") rmSync(dir, { recursive: true });
  });
  const session = kernel.attach(fullAuthority("ann"), "test");
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    const handle = await session.open(await session.find(path), { read: false, write: true });
    try {
      await handle.write(0, bytes);
    } finally {
      await handle.close();
    }
  };
  const read = async (path: string): Promise<Buffer> => Buffer.from(await session.read(path));
  const at = ({ manifest }: Pick<Made, "manifest">, file: string): string =>
    `/models/${manifest.model}/${file}`;
  const chunk = (one: Made, bytes: Buffer) => put(at(one, `chunks/${sha256(bytes)}`), bytes);
  const finish = (one: Made) => session.append(at(one, "ctl"), '{"op":"finish"}');
  const status = async (one: Pick<Made, "manifest">) =>
    JSON.parse((await read(at(one, "status.json"))).toString()) as {
      readonly [name: string]: unknown;
      readonly state: string;
    };
  // As `skep model import` does it: what is there does not travel.
  const bring = async (one: Made): Promise<string> => {
    const { state } = await status(one);
    if (state === "empty") await put(at(one, "manifest.json"), one.bytes);
    if (["empty", "unsigned"].includes(state)) await put(at(one, "signature"), one.signature);
    const { state: signed, lacks } = await status(one);
    if (signed !== "pending") return signed;
    if (String(lacks).includes("table")) await put(at(one, "table"), one.table);
    if (String(lacks).includes("schema")) await put(at(one, "schema"), one.schema);
    for (const name of (await read(at(one, "missing"))).toString().split("\n").filter(Boolean))
      await chunk(one, one.chunks.find((each) => sha256(each) === name) ?? Buffer.alloc(0));
    await finish(one);
    return (await status(one)).state;
  };
  const say = (line: object) => session.append("/models/ctl", JSON.stringify(line));
  const active = async (): Promise<string> => (await read("/gpu/models/active")).toString();
  return {
    ...{
      kernel,
      session,
      blobs: store,
      dir,
      put,
      read,
      at,
      chunk,
      finish,
      status,
      bring,
      say,
      active,
      holds,
    },
  };
}
