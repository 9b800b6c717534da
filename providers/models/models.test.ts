import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { recordingFiles } from "@skep/testing";
import { encodeManifest, signManifest } from "./mod.ts";
import { keyFrom, type Made, made, part, rig, sha256 } from "./rig.test.ts";

const parts = ["one", "two", "three"].map((text) => part(text));

test("a signed model is ready when all its parts have come, and reads back across its chunks", async (t) => {
  const hive = await rig(t);
  const one = made("llama3-edge-v7", 1, parts);
  assert.equal((await hive.status(one)).state, "empty");
  assert.equal(await hive.bring(one), "ready");
  assert.deepEqual(await hive.read(hive.at(one, "weights")), Buffer.concat(parts));
  const handle = await hive.session.open(await hive.session.find(hive.at(one, "weights")), {
    read: true,
    write: false,
  });
  assert.deepEqual(Buffer.from(await handle.read(390, 100)), parts[0]?.subarray(390));
  assert.deepEqual(Buffer.from(await handle.read(400, 9)), parts[1]?.subarray(0, 9));
  assert.equal((await handle.read(1200, 1)).length, 0);
  await handle.close();
  const toml = (await hive.read("/gpu/models/available/llama3-edge-v7/manifest.toml")).toString();
  assert.match(toml, /^id = "llama3-edge-v7"$/m);
  assert.match(toml, /^job_id = "job_8932"$/m);
  assert.ok(toml.includes(`cas_sha256 = "${one.manifest.model}"`));
});

test("a model in the original's way needs no manifest, is read only once it is whole, and is never activated", async (t) => {
  const hive = await rig(t);
  const weights = Buffer.alloc(128, "C");
  const model = sha256(weights);
  const at = (file: string) => `/models/${model}/${file}`;
  await hive.put(at("weights"), weights.subarray(0, 64));
  await assert.rejects(hive.read(at("weights")), { code: "models.absent" });
  await hive.put(at("weights"), weights.subarray(64));
  await hive.put(at("schema"), Buffer.from("any"));
  assert.match((await hive.read(at("status"))).toString(), /^state=plain$/m);
  await hive.put(at("signature"), Buffer.from("any signature"));
  assert.match((await hive.read(at("status"))).toString(), /^state=unverified$/m);
  assert.deepEqual(await hive.read(at("weights")), weights);
  for (const file of ["weights", "schema", "signature"])
    await assert.rejects(hive.put(at(file), Buffer.from("x")), { kind: "denied", code: "models.fixed" });
  assert.equal((await hive.say({ op: "activate", model })).code, "models.unready");
  const names = (await hive.session.list(await hive.session.find(`/models/${model}`))).map(
    ({ name }) => name,
  );
  assert.deepEqual(names.slice(0, 3), ["weights", "schema", "signature"]);
  assert.ok(!names.includes("manifest.json"));
});

test("one record moves the pointer, rollback goes back as often as it went, and whoever expected another is refused", async (t) => {
  const hive = await rig(t);
  const [one, two] = [made("a", 1, [part("a1")]), made("a", 2, [part("a2")])];
  for (const each of [one, two]) assert.equal(await hive.bring(each), "ready");
  assert.equal(await hive.active(), "");
  assert.equal((await hive.say({ op: "rollback" })).code, "models.before");
  await hive.say({ op: "activate", model: "vision-base-v1" });
  const { result } = await hive.say({ op: "activate", model: "a", from: "vision-base-v1" });
  assert.deepEqual(result, { active: "a", model: two.manifest.model, before: "vision-base-v1" });
  assert.equal((await hive.say({ op: "activate", model: "a", from: "vision-base-v1" })).code, "models.moved");
  await hive.say({ op: "activate", model: one.manifest.model });
  assert.equal((await hive.say({ op: "activate", model: one.manifest.model })).verdict, "ok");
  const pointer = async () => JSON.parse((await hive.read("/models/active.json")).toString());
  assert.equal((await pointer()).model, one.manifest.model);
  await hive.say({ op: "rollback" });
  assert.equal((await pointer()).model, two.manifest.model);
  await hive.say({ op: "rollback" });
  assert.equal(await hive.active(), "vision-base-v1\n");
  await hive.say({ op: "rollback" });
  assert.equal(await hive.active(), "");
  await hive.session.append("/gpu/models/active", "a");
  assert.equal(await hive.active(), "a\n");
  await assert.rejects(hive.put("/gpu/models/active", Buffer.from("nobody\n")), { code: "models.none" });
});

test("an adapter is active only where its base is", async (t) => {
  const hive = await rig(t);
  await hive.bring(made("adapter", 1, [part("x")], { base: "missing-base" }));
  await hive.bring(made("fitting", 1, [part("y")], { base: "vision-base-v1" }));
  assert.equal((await hive.say({ op: "activate", model: "adapter" })).code, "models.base");
  assert.equal((await hive.say({ op: "activate", model: "fitting" })).verdict, "ok");
});

test("whatever was tampered with is refused, and leaves nothing behind", async (t) => {
  const hive = await rig(t);
  const good = made("m", 5, parts);
  const changed = (change: Partial<Made["manifest"]>): Buffer =>
    encodeManifest({ ...good.manifest, ...change });
  const manifests: readonly (readonly [Buffer, string])[] = [
    [changed({ model: "0".repeat(64) }), "models.other"],
    [changed({ bytes: 100_001 }), "models.long"],
    [changed({ chunks: { count: 101, sha256: "0".repeat(64) } }), "models.many"],
    [changed({ base: "m" }), "models.manifest"],
    [changed({ name: "../m" }), "models.manifest"],
    [Buffer.from(`${good.bytes.toString().slice(0, -1)},"more":1}`), "models.manifest"],
    [Buffer.from(good.bytes.toString().replace("{", "{ ")), "models.manifest"],
    [Buffer.concat([Buffer.from("{"), Buffer.alloc(66_000, 32)]), "models.long"],
    [Buffer.from("[]"), "models.manifest"],
  ];
  for (const [bytes, code] of manifests)
    await assert.rejects(hive.put(hive.at(good, "manifest.json"), bytes), { code }, code);
  assert.equal((await hive.status(good)).quarantined, manifests.length);
  await assert.rejects(hive.put(hive.at(good, "table"), good.table), { code: "models.order" });
  await hive.put(hive.at(good, "manifest.json"), good.bytes);
  await assert.rejects(hive.put(hive.at(good, "weights"), Buffer.concat(parts)), { code: "models.order" });
  const flipped = Buffer.from(good.signature);
  flipped[0] = (flipped[0] ?? 0) ^ 1;
  const stranger = signManifest(good.bytes, keyFrom("01".repeat(32)));
  const longer = Buffer.concat([good.signature, Buffer.from([0])]);
  for (const bytes of [flipped, stranger, longer, Buffer.alloc(64)])
    await assert.rejects(hive.put(hive.at(good, "signature"), bytes), { code: "models.signature" });
  await hive.put(hive.at(good, "signature"), good.signature);
  assert.equal((await hive.status(good)).state, "pending");
  const swapped = Buffer.concat([good.table.subarray(36), good.table.subarray(0, 36)]);
  for (const bytes of [swapped, Buffer.concat([good.table, Buffer.alloc(36)])])
    await assert.rejects(hive.put(hive.at(good, "table"), bytes), { code: "models.digest" });
  await assert.rejects(hive.put(hive.at(good, "schema"), Buffer.from('{"rank":9}')), {
    code: "models.digest",
  });
  await assert.rejects(hive.chunk(good, parts[0] ?? Buffer.alloc(0)), { code: "models.order" });
  await hive.put(hive.at(good, "table"), good.table);
  await assert.rejects(hive.chunk(good, part("stranger")), { code: "models.foreign" });
  const first = hive.at(good, `chunks/${sha256(parts[0] ?? "")}`);
  await assert.rejects(hive.put(first, part("wrong")), { code: "models.digest" });
  await assert.rejects(hive.put(first, part("one", 401)), { code: "models.digest" });
  await hive.finish(good);
  assert.deepEqual((({ state, missing }) => ({ state, missing }))(await hive.status(good)), {
    state: "pending",
    missing: 3,
  });
  assert.equal((await hive.say({ op: "activate", model: good.manifest.model })).code, "models.unready");
  assert.equal((await hive.say({ op: "activate", model: "m" })).code, "models.none");
});

test("weights that are signed and are not what they are named for end in quarantine", async (t) => {
  const hive = await rig(t);
  const bad = made("m", 1, parts, { model: "0".repeat(64) });
  assert.equal(await hive.bring(bad), "quarantined");
  assert.equal((await hive.status(bad)).reason, "models.payload");
  assert.equal((await hive.say({ op: "activate", model: bad.manifest.model })).code, "models.unready");
});

test("an old release of a name does not come back, also where the newer one was retired or came in between", async (t) => {
  const hive = await rig(t);
  const [old, slow, next] = [1, 2, 3].map((serial) => made("m", serial, [part(`r${serial}`)])) as [
    Made,
    Made,
    Made,
  ];
  await hive.put(hive.at(slow, "manifest.json"), slow.bytes);
  assert.equal(await hive.bring(next), "ready");
  await assert.rejects(hive.put(hive.at(old, "manifest.json"), old.bytes), { code: "models.replay" });
  const same = made("m", 3, [part("another")]);
  await assert.rejects(hive.put(hive.at(same, "manifest.json"), same.bytes), { code: "models.replay" });
  // Its manifest was here before the newer one was ready.
  await hive.put(hive.at(slow, "signature"), slow.signature);
  assert.deepEqual((({ state, reason }) => [state, reason])(await hive.status(slow)), [
    "quarantined",
    "models.replay",
  ]);
  await hive.session.append(hive.at(next, "ctl"), '{"op":"retire"}');
  await assert.rejects(hive.put(hive.at(old, "manifest.json"), old.bytes), { code: "models.replay" });
  assert.equal(await hive.bring(next), "ready");
});

test("a retired model takes along what no other needs, and an active one is not let go", async (t) => {
  const hive = await rig(t);
  const [one, two] = [made("a", 1, parts), made("b", 1, parts.slice(1))];
  await hive.bring(one);
  await hive.bring(two);
  await hive.say({ op: "activate", model: "a" });
  await hive.say({ op: "activate", model: "b" });
  const retire = (each: Made) => hive.session.append(hive.at(each, "ctl"), '{"op":"retire"}');
  assert.equal((await retire(two)).code, "models.active");
  await retire(one);
  const [first = "", second = ""] = parts.map(sha256);
  for (let turn = 0; turn < 500 && (await hive.blobs.size(first)) !== undefined; turn += 1)
    await new Promise((done) => setImmediate(done));
  assert.deepEqual([await hive.blobs.size(first), await hive.blobs.size(second)], [undefined, 400]);
  assert.deepEqual([hive.holds(first), hive.holds(second)], [false, true]);
  // Nor can one go back to it.
  await hive.say({ op: "rollback" });
  assert.equal(await hive.active(), "");
});

test("what was signed by a key that is trusted no more is not made active, by name, digest or going back", async (t) => {
  const files = recordingFiles();
  const dir = mkdtempSync(join(tmpdir(), "skep-models-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const before = await rig(t, { files, blobs: dir });
  const one = made("edge", 1, [part("one")]);
  assert.equal(await before.bring(one), "ready");
  for (const model of ["edge", "vision-base-v1"]) await before.say({ op: "activate", model });
  await before.kernel.close();
  const { say, put, active } = await rig(t, { files, blobs: dir, keys: ["ab".repeat(32)] });
  assert.equal((await say({ op: "rollback" })).code, "models.signature");
  for (const model of ["edge", one.manifest.model])
    assert.equal((await say({ op: "activate", model })).code, "models.signature");
  await assert.rejects(put("/gpu/models/active", Buffer.from("edge")), { code: "models.signature" });
  assert.equal(await active(), "vision-base-v1\n");
});
