import { createHash } from "node:crypto";
import type { Files, Session } from "@skep/kernel";
import { encodeManifest, encodeTable, signManifest } from "@skep/provider-models";
import { homeKeyOf } from "./keys.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const publisher = homeKeyOf("publisher");

/** The public key, hex, of whose models may be active in the scenario. */
export const publisherKey: string = Buffer.from(
  publisher.export({ format: "jwk" }).x ?? "",
  "base64url",
).toString("hex");

/** What models are brought with: the scenario's hive, its stores, and how its effects come to their end. */
interface Bench {
  readonly owner: Session;
  readonly files: Files;
  readonly settled: () => Promise<void>;
}

async function put({ owner }: Bench, path: string, bytes: Uint8Array): Promise<void> {
  const handle = await owner.open(await owner.find(path), { read: false, write: true });
  await handle.write(0, bytes);
  await handle.close();
}

/** Brings all files of a model of two chunks, and gives its digest. Nothing of it is looked at before `finish`. */
async function bring(bench: Bench, name: string, serial: number): Promise<string> {
  const chunks = [Buffer.from(`the same of each ${name}`), Buffer.from(`${name} ${serial}`)];
  const model = sha256(Buffer.concat(chunks));
  const table = encodeTable(chunks.map((chunk) => ({ digest: sha256(chunk), bytes: chunk.length })));
  const schema = Buffer.from('{"rank":8}');
  const manifest = encodeManifest({
    ...{ type: "skep-model/v1", name, serial, model, base: "" },
    bytes: Buffer.concat(chunks).length,
    chunks: { count: chunks.length, sha256: sha256(table) },
    schema: { bytes: schema.length, sha256: sha256(schema) },
    provenance: { job_id: "job-1" },
  });
  const at = (file: string): string => `/models/${model}/${file}`;
  await put(bench, at("manifest.json"), manifest);
  await put(bench, at("signature"), signManifest(manifest, publisher));
  await bench.settled();
  await put(bench, at("table"), table);
  await put(bench, at("schema"), schema);
  const missing = Buffer.from(await bench.owner.read(at("missing"))).toString();
  for (const chunk of chunks)
    if (missing.includes(sha256(chunk))) await put(bench, at(`chunks/${sha256(chunk)}`), chunk);
  return model;
}

/** Models are brought, one cannot be looked at at once, one is damaged; they become active, go back, and one is retired. */
export async function modelling(bench: Bench): Promise<void> {
  const { owner, files, settled } = bench;
  const finish = async (model: string): Promise<void> => {
    await owner.append(`/models/${model}/ctl`, { op: "finish" } as never);
    await settled();
  };
  const say = (line: object) => owner.append("/models/ctl", line as never);
  const first = await bring(bench, "vision", 1);
  const place = `models/${first}.manifest`;
  const kept = await files.read(place, 0, (await files.size(place)) ?? 0);
  await files.remove(place);
  await finish(first);
  await files.replace(place, kept);
  await finish(first);
  await say({ op: "activate", model: "vision" });
  const second = await bring(bench, "vision", 2);
  await finish(second);
  await say({ op: "activate", model: second, from: first });
  await say({ op: "rollback" });
  const damaged = await bring(bench, "speech", 1);
  await files.replace(`models/${damaged}.schema`, Buffer.from('{"rank":9}'));
  await finish(damaged);
  await owner.append(`/models/${second}/ctl`, { op: "retire" } as never);
  await settled();
}
