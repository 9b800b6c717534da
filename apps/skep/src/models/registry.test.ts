import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Client } from "@skep/ninep";
import { encodeManifest, encodeTable, type Manifest, signManifest } from "@skep/provider-models";
import { generateKeyPairSync } from "node:crypto";
import { digestOf } from "../chunked/file.ts";
import { publicHex } from "../updates/pack.ts";
import { applyModel } from "./apply.ts";
import { Registry } from "./registry.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-registry-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const { privateKey } = generateKeyPairSync("ed25519");
const schema = Buffer.from("{}");

function packed(name: string, serial: number, weights: Buffer) {
  const model = digestOf(weights);
  const table = encodeTable([{ digest: model, bytes: weights.length }]);
  const manifest: Manifest = {
    ...{ type: "skep-model/v1", name, serial, model, bytes: weights.length, base: "", provenance: {} },
    chunks: { count: 1, sha256: digestOf(table) },
    schema: { bytes: schema.length, sha256: digestOf(schema) },
  };
  const bytes = encodeManifest(manifest);
  return { manifest, bytes, table, weights, signature: signManifest(bytes, privateKey) };
}

type Packed = ReturnType<typeof packed>;

/** A hive that says of each model what it likes, and gives its signed bytes. */
function lying(of: Packed, name: string): Client {
  const { manifest, bytes, table, weights, signature } = of;
  const { model, serial } = manifest;
  const told = { model, state: "ready", name, serial, base: "", bytes: 1, chunks: 1, missing: 0 };
  const status = Buffer.from(JSON.stringify({ ...told, lacks: "", signed_by: "", reason: "" }));
  const files: Readonly<Record<string, Buffer>> = {
    ...{ "status.json": status, "manifest.json": bytes, [`chunks/${model}`]: weights },
    ...{ signature, schema, table },
  };
  return {
    readdir: async () => [{ name: model }],
    readAll: async (path: string) => files[path.slice(`/models/${model}/`.length)] ?? Buffer.alloc(0),
  } as unknown as Client;
}

test("a model that a hive gives for another name is not taken, whoever signed it", async () => {
  const [to, owner] = [join(dir, "named"), join(dir, "owner")];
  mkdirSync(owner, { mode: 0o700 });
  writeFileSync(join(owner, "owner.toml"), `[updates]\nkeys = ["${publicHex(privateKey)}"]\n`);
  const small = packed("small", 1, Buffer.from("small"));
  const asked = (client: Client, id: string) => applyModel(client, id, { to, owner });
  await assert.rejects(asked(lying(small, "large"), "large"), { code: "model.named" });
  assert.equal(new Registry(to).current, "");
  const { name } = await asked(lying(small, "small"), "small");
  assert.equal(name, "small");
  assert.equal((await asked(lying(small, "large"), small.manifest.model)).name, "small");
});

test("an older release of a name is not taken, though its newest has another name since or is gone", () => {
  const to = join(dir, "older");
  mkdirSync(to, { mode: 0o700 });
  const registry = new Registry(to);
  const weights = Buffer.from("the same");
  const install = ({ manifest, bytes }: Packed) => {
    mkdirSync(registry.folder(manifest.model), { recursive: true });
    writeFileSync(join(registry.folder(manifest.model), "manifest.json"), bytes);
    registry.list(manifest, "");
    registry.activate(manifest.model);
  };
  const older = packed("edge", 3, Buffer.from("older")).manifest;
  const edge = packed("edge", 5, weights);
  install(edge);
  install(packed("stable", 1, weights));
  assert.throws(() => registry.checkNewer(older), { code: "model.older", message: /5 is here/ });
  registry.checkNewer(edge.manifest);
  rmSync(registry.folder(edge.manifest.model), { recursive: true });
  assert.throws(() => registry.checkNewer(older), { code: "model.older" });
});
