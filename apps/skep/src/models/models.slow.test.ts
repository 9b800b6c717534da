import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect, homeTarget } from "../client/connect.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";
import { publicHex } from "../updates/pack.ts";
import { countedClient, noise } from "../updates/testing.ts";
import { applyModel, withRegistry } from "./apply.ts";
import { readModel } from "./pack.ts";
import { importModel } from "./remote.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const publicKey = publicHex(privateKey);
let hive: TestHive;
before(async () => {
  const at = makeTestPlace();
  hive = await startTestHive(at, { SKEP_MODELS_KEYS: publicKey });
  writeFileSync(place("release.pem"), privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
});
after(() => hive[Symbol.asyncDispose]());

const place = (...names: readonly string[]): string => join(hive.dir, ...names);
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function ask(...words: string[]) {
  const { code, out, err } = await hive.skep(["model", ...words, "--json"]);
  assert.equal(code, 0, err + out);
  return JSON.parse(out);
}

async function refused(...words: string[]) {
  const { code, err } = await hive.skep(["model", ...words]);
  return { code, err };
}

function pack(name: string, serial: number, weights: Buffer, ...more: string[]) {
  const [file, schema, to] = [
    place(`${name}-${serial}.bin`),
    place("schema.json"),
    place(`${name}-${serial}`),
  ];
  writeFileSync(file, weights);
  writeFileSync(schema, '{"format":"raw"}');
  const words = ["--name", name, "--serial", String(serial), "--key", place("release.pem"), "--to", to];
  return ask("pack", file, ...words, "--schema", schema, ...more).then((told) => ({ ...told, to }));
}

async function shipped(name: string, serial: number, weights: Buffer, ...more: string[]): Promise<string> {
  const { to, model } = await pack(name, serial, weights, ...more);
  assert.equal((await ask("import", to)).state, "ready");
  return model;
}

function machine(name: string, keys: readonly string[]): { to: string; owner: string } {
  const [to, owner] = [place(name, "registry"), place(name, "owner")];
  mkdirSync(owner, { recursive: true, mode: 0o700 });
  if (keys.length > 0)
    writeFileSync(join(owner, "owner.toml"), `[updates]\nkeys = ${JSON.stringify(keys)}\n`);
  return { to, owner };
}

async function exportJob(): Promise<void> {
  const ctl = "/queen/telemetry/edge-7/ctl";
  await hive.skep(["echo", '{"new":"segment","mime":"text/plain"}', ctl]);
  await hive.skep(["echo", "token_count=128", "/queen/telemetry/edge-7/seg/seg-000001"]);
  await hive.skep(["echo", '{"seal":"segment"}', ctl]);
  const line = {
    op: "export",
    id: "job_8932",
    device: "edge-7",
    base_model: "vision-base",
    policy: { epochs: 3 },
  };
  for (let code = 1; code !== 0; )
    ({ code } = await hive.skep(["echo", JSON.stringify(line), "/queen/export/ctl"]));
  const status = "/queen/export/lora_jobs/job_8932/status";
  while (!(await hive.skep(["cat", status])).out.includes("state=ready"));
}

test("an export is fetched, an adapter of it packed, imported, activated, exported and rolled back", async () => {
  await exportJob();
  const fetched = await ask("job", "job_8932", "--to", place("job"));
  assert.deepEqual([fetched.base_model, fetched.fetched > 0], ["vision-base", true]);
  assert.equal((await ask("job", "job_8932", "--to", place("job"))).fetched, 0);
  assert.equal(readFileSync(place("job", "policy.toml"), "utf8"), "epochs = 3\n");
  await shipped("vision-base", 1, noise(900_000, "base"));
  const adapter = noise(2_000_000, "adapter");
  mkdirSync(place("adapter"));
  writeFileSync(place("adapter", "adapter.safetensors"), adapter);
  writeFileSync(place("adapter", "lora.json"), '{"rank":8}');
  const words = ["--name", "edge-v7", "--serial", "7", "--key", place("release.pem"), "--to", place("m7")];
  const packed = await ask(
    "pack",
    place("adapter"),
    ...words,
    "--job",
    place("job"),
    "--note",
    "metric=0.91",
  );
  assert.deepEqual([packed.model, packed.base, packed.key], [sha256(adapter), "vision-base", publicKey]);
  const { provenance } = JSON.parse(readFileSync(place("m7", "manifest.json"), "utf8"));
  const telemetry = sha256(readFileSync(place("job", "telemetry.cbor")));
  assert.deepEqual(
    [provenance.job_id, provenance.telemetry_sha256, provenance.metric],
    ["job_8932", telemetry, "0.91"],
  );
  assert.deepEqual(await ask("import", place("m7")), {
    ...{ name: "edge-v7", model: packed.model, state: "ready", sent: 2_000_000 },
  });
  assert.equal((await ask("import", place("m7"))).sent, 0);
  await ask("activate", "vision-base");
  assert.equal((await ask("activate", "edge-v7", "--from", "vision-base")).before, "vision-base");
  const raced = await refused("activate", "edge-v7", "--from", "vision-base");
  assert.deepEqual([raced.code, /another model is active/.test(raced.err)], [8, true]);
  assert.match((await hive.skep(["model", "list"])).out, /\*\s+edge-v7\s+7\s+ready\s+2000000\s+vision-base/);
  assert.equal((await hive.skep(["cat", "/gpu/models/active"])).out, "edge-v7\n");
  assert.equal((await ask("export", "edge-v7", "--to", place("out"), "--key", publicKey)).fetched, 2_000_000);
  assert.deepEqual(readFileSync(place("out", "weights")), adapter);
  assert.deepEqual((await readModel(place("out"))).manifest, (await readModel(place("m7"))).manifest);
  assert.equal((await ask("rollback")).active, "vision-base");
});

test("what was changed after it was packed, signed by a stranger, or is an old release is not imported", async () => {
  const { to } = await pack("m", 3, noise(600_000, "three"));
  cpSync(to, place("changed"), { recursive: true });
  writeFileSync(place("changed", "weights"), noise(600_000, "other"));
  assert.match((await refused("import", place("changed"))).err, /bytes are not what its manifest says/);
  cpSync(to, place("table"), { recursive: true });
  writeFileSync(place("table", "table"), Buffer.alloc(36));
  assert.match((await refused("import", place("table"))).err, /another digest/);
  cpSync(to, place("schema"), { recursive: true });
  writeFileSync(place("schema", "schema"), "{}");
  assert.match((await refused("import", place("schema"))).err, /not what its manifest says/);
  const { privateKey: strange } = generateKeyPairSync("ed25519");
  writeFileSync(place("strange.pem"), strange.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  writeFileSync(place("s.bin"), "strange");
  const words = ["--serial", "1", "--key", place("strange.pem"), "--schema", place("schema.json")];
  await ask("pack", place("s.bin"), "--name", "s", ...words, "--to", place("s"));
  const { code, err } = await refused("import", place("s"));
  assert.deepEqual([code, /no release key that is named here/.test(err)], [4, true]);
  assert.equal((await ask("import", to)).state, "ready");
  const old = await pack("m", 2, noise(500_000, "two"));
  assert.match((await refused("import", old.to)).err, /serial is not newer/);
  assert.match((await refused("activate", "nobody")).err, /Cannot find model/);
});

test("an import that is cut goes on, and what another release brought does not travel", async () => {
  const size = 10_000_000;
  const weights = noise(size, "long");
  const { to } = await pack("long", 1, weights);
  const packed = await readModel(to);
  const nothing = { sent: () => undefined };
  const { client, travelled } = await countedClient(hive.home, hive.env, 7_000_000);
  await assert.rejects(importModel(client, packed, nothing));
  const first = travelled();
  const again = await countedClient(hive.home, hive.env);
  await using _ = again.client;
  assert.equal((await importModel(again.client, packed, nothing)).state, "ready");
  assert.ok(first > 0 && again.travelled() < 8_000_000, `${first} and ${again.travelled()} bytes`);
  const next = await pack("long", 2, Buffer.concat([weights.subarray(0, 9_500_000), noise(10_000, "end")]));
  const { sent } = await ask("import", next.to);
  assert.ok(sent < 2_100_000, `${sent} bytes`);
});

test("a machine takes only what its owner named a key for, and follows what is active", async () => {
  const one = await shipped("follow", 1, noise(400_000, "f1"));
  await ask("activate", "follow");
  const words = (at: { to: string; owner: string }) => ["--to", at.to, "--worker-home", at.owner];
  const none = machine("none", []);
  const told = await refused("apply", ...words(none));
  assert.deepEqual([told.code, existsSync(join(none.to, "current"))], [4, false]);
  const other = machine("other", ["ab".repeat(32)]);
  assert.match((await refused("apply", ...words(other))).err, /no release key that is named here/);
  const own = machine("own", [publicKey]);
  assert.equal((await ask("apply", ...words(own))).model, one);
  assert.equal(readFileSync(join(own.to, "active"), "utf8"), "follow\n");
  assert.match(
    readFileSync(join(own.to, "available", "follow", "manifest.toml"), "utf8"),
    /^id = "follow"$/m,
  );
  const two = await shipped("follow", 2, noise(400_000, "f2"));
  await ask("activate", two);
  assert.equal((await ask("apply", ...words(own))).model, two);
  assert.deepEqual(readFileSync(join(own.to, "current", "weights")), noise(400_000, "f2"));
  const older = await refused("apply", one, ...words(own));
  assert.match(older.err, /older than the one of its name/);
  assert.equal((await ask("rollback", "--to", own.to)).model, one);
  assert.deepEqual(readFileSync(join(own.to, "current", "weights")), noise(400_000, "f1"));
  assert.equal((await ask("rollback", "--to", own.to)).active, "");
  assert.match((await refused("rollback", "--to", own.to)).err, /no model was active here before/);
});

test("a power cut at any step leaves one whole model, and the next command ends or drops the switch", async () => {
  const models = [
    await shipped("cut-a", 1, noise(500_000, "ca")),
    await shipped("cut-b", 1, noise(500_000, "cb")),
  ];
  const [one = "", two = ""] = models;
  await using client = await connect(homeTarget(hive.home, hive.env));
  let steps = 0;
  for (let cutAt = 1; cutAt < 60; cutAt += 1) {
    const at = machine(`cut-${cutAt}`, [publicKey]);
    await applyModel(client, one, at);
    let seen = 0;
    const step = (): void => {
      seen += 1;
      if (seen === cutAt) throw new Error("power cut");
    };
    const cut = await applyModel(client, two, { ...at, step }).then(
      () => false,
      () => true,
    );
    if (!cut) {
      steps = cutAt - 1;
      break;
    }
    // Whatever it is, it is whole.
    const runs = readlinkSync(join(at.to, "current")).slice("store/".length);
    assert.equal(sha256(readFileSync(join(at.to, "current", "weights"))), runs);
    assert.ok(models.includes(runs));
    await withRegistry(at.to, undefined, async (registry) => {
      assert.equal(registry.current, runs);
      assert.equal(readFileSync(join(at.to, "active"), "utf8"), runs === one ? "cut-a\n" : "cut-b\n");
      // What counts as installed could be switched to.
      if (registry.manifest(two))
        assert.equal(sha256(readFileSync(join(registry.folder(two), "weights"))), two, `cut at ${cutAt}`);
    });
    await applyModel(client, two, at);
    await withRegistry(at.to, undefined, async (registry) => registry.rollback());
    assert.equal(readlinkSync(join(at.to, "current")), `store/${one}`, `cut at ${cutAt}`);
    assert.deepEqual(
      readdirSync(at.to).filter((name) => name.endsWith(".new")),
      [],
    );
  }
  assert.ok(steps >= 8, `${steps} steps`);
});
