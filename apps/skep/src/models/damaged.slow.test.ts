import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { digestOf } from "../chunked/file.ts";
import { makeTestPlace, startTestHive } from "../testing/hive.ts";
import { publicHex } from "../updates/pack.ts";
import { noise } from "../updates/testing.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const key = publicHex(privateKey);
const env = { SKEP_MODELS_KEYS: key, SKEP_UPDATES_KEYS: key };
const at = makeTestPlace();
after(() => at[Symbol.asyncDispose]());
const place = (name: string): string => join(at.dir, name);

async function ask(...words: string[]) {
  const { code, out, err } = await at.skep([...words, "--json"]);
  assert.equal(code, 0, err + out);
  return JSON.parse(out);
}

async function damage(list: string): Promise<{ readonly digest: string; readonly bytes: number }> {
  const [digest = ""] = (await at.skep(["ls", list])).out.split("\n");
  const path = join(at.home, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
  const bytes = readFileSync(path);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return { digest, bytes: bytes.length };
}

test("after `skep fsck --repair` model and update tell what they lack, and bringing them again brings no more than that", async () => {
  const up = await startTestHive(at, env);
  const [weights, payload] = [noise(900_000, "weights"), noise(300_000, "payload")];
  for (const [name, bytes] of Object.entries({ weights, payload, schema: Buffer.from("{}") }))
    writeFileSync(place(name), bytes);
  writeFileSync(place("key.pem"), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  const signed = ["--key", place("key.pem")];
  const named = ["--name", "a", "--serial", "1", "--schema", place("schema")];
  const { model } = await ask("model", "pack", place("weights"), ...named, ...signed, "--to", place("m1"));
  await ask("model", "import", place("m1"));
  await ask("update", "pack", place("payload"), "--epoch", "7", ...signed, "--to", place("r7"));
  await ask("update", "upload", place("r7"));
  const lost = [await damage(`/models/${model}/chunks`), await damage("/updates/7/chunks")];
  await up.stop();
  const { out } = await at.skep(["fsck", "--repair"]);
  for (const { digest } of lost) assert.match(out, new RegExp(`${digest} was damaged and is now`));
  assert.match(out, /`skep model import` and `skep update upload` do/);

  const again = await startTestHive(at, env);
  try {
    assert.match(
      (await at.skep(["model", "list"])).out,
      /damaged .*models\.damaged: Import it again: `skep model import`/,
    );
    assert.match((await at.skep(["update", "status"])).out, /damaged .*updates\.damaged: Upload it again/);
    const back = await ask("model", "import", place("m1"));
    assert.deepEqual([back.state, back.sent], ["ready", lost[0]?.bytes]);
    const release = await ask("update", "upload", place("r7"));
    assert.deepEqual([release.state, release.sent], ["ready", lost[1]?.bytes]);
    assert.equal(digestOf(await again.hive.owner.read(`/models/${model}/weights`)), model);
  } finally {
    await again.stop();
  }
});
