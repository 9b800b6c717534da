import assert from "node:assert/strict";
import { test } from "node:test";
import { made, part, rig, sha256 } from "./rig.test.ts";

const parts = ["one", "two", "three"].map((text) => part(text));
const [first = part(""), second = part("")] = parts;

test("a model of which the disk lost a chunk says so with its cure, and is whole again when that chunk comes again", async (t) => {
  const hive = await rig(t);
  const one = made("a", 1, parts);
  const other = made("b", 1, [second, part("four")]);
  for (const each of [one, other]) assert.equal(await hive.bring(each), "ready");
  await hive.say({ op: "activate", model: "a" });
  await hive.blobs.remove(sha256(second));
  // A model that was seen whole is looked at again only when a read finds that it is not, and at the next start.
  assert.equal((await hive.status(other)).state, "ready");
  const chunk = `chunks/${sha256(second)}`;
  await assert.rejects(hive.read(hive.at(one, chunk)), { code: "models.damaged", kind: "corrupt" });
  await assert.rejects(hive.read(hive.at(one, "weights")), { code: "models.damaged" });
  const { state, missing, reason, cure } = await hive.status(one);
  assert.deepEqual([state, missing, reason], ["damaged", 1, "models.damaged"]);
  assert.match(String(cure), /skep model import/);
  assert.equal((await hive.read(hive.at(one, "missing"))).toString(), `${sha256(second)}\n`);
  await assert.rejects(hive.put(hive.at(one, chunk), part("wrong")), { code: "models.digest" });
  await assert.rejects(hive.chunk(one, first), { code: "models.fixed" });
  const before = hive.kernel.journal.durable;
  await hive.put(hive.at(one, chunk), second.subarray(0, 100));
  await hive.put(hive.at(one, chunk), second.subarray(100));
  assert.equal(hive.kernel.journal.durable, before);
  assert.deepEqual([(await hive.status(one)).state, (await hive.status(one)).cure], ["ready", ""]);
  assert.deepEqual(await hive.read(hive.at(one, "weights")), Buffer.concat(parts));
  assert.equal(await hive.active(), "a\n");
  await assert.rejects(hive.chunk(one, second), { code: "models.fixed" });
});

test("a chunk that the disk lost before its model was whole is asked for again", async (t) => {
  const hive = await rig(t);
  const one = made("a", 1, parts);
  await hive.bring({ ...one, chunks: [first, second] }).catch(() => undefined);
  await hive.blobs.remove(sha256(first));
  assert.equal((await hive.status(one)).missing, 2);
  assert.equal(await hive.bring(one), "ready");
});
