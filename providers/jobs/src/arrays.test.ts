import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createSigner, signManifest } from "@skep/receipt";
import { memberJobId } from "./arrays.ts";
import { type Rig, rig, sha256 } from "./rig.test.ts";

const signer = createSigner(Buffer.alloc(32, 5));

interface PartOf {
  readonly first?: number;
  readonly total: number;
  readonly array?: string;
  /** What the manifest says of the inputs where that is a lie. */
  readonly told?: string;
}

function lineOf(hive: Rig, inputs: readonly string[], { first = 0, total, array, told }: PartOf) {
  const now = BigInt(hive.clock.now()) * 1_000_000n;
  const digests = createHash("sha256");
  for (const input of inputs) digests.update(`${sha256(input)}\n`);
  const part = { first, total, inputs: told ?? digests.digest("hex") };
  const input = [...Buffer.from(JSON.stringify({ array: part, nonce: String(first) }))];
  const payload = { kind: "wasm" as const, module_cid: `sha256:${"ab".repeat(32)}`, input };
  const { manifest, jobId } = signManifest(signer, {
    payload,
    createdAt: now,
    expiresAt: now + 600_000_000_000n,
  });
  const given = inputs.map((text) => ({ inline: Buffer.from(text).toString("base64") }));
  return { jobId, line: { op: "array", manifest, inputs: given, ...(array === undefined ? {} : { array }) } };
}

export async function give(hive: Rig, inputs: readonly string[], part: PartOf) {
  const { line, jobId } = lineOf(hive, inputs, part);
  const answer = await hive.owner.append("/jobs/ctl", line as never);
  return { ...answer, jobId, ...(answer.result as { array: string; part: string }) };
}

export const numbers = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, at) => String(from + at));

test("an array makes a job for each input, in parts, and its status counts them", async () => {
  await using hive = await rig();
  hive.join("w-a", { slots: 3 });
  const { array, part, jobId } = await give(hive, numbers(3), { total: 5 });
  assert.equal(part, array);
  const more = await give(hive, numbers(2, 3), { first: 3, total: 5, array });
  await hive.clock.advanceAsync(1);
  const { state, total, given, running, queued } = await hive.status(array);
  assert.deepEqual([state, total, given, running, queued], ["running", 5, 5, 3, 2]);
  assert.equal((await hive.status(`${array}.1`)).job_id, memberJobId(jobId, 1));
  for (let at = 0; at < 3; at += 1) await hive.done("w-a", `${array}.${at}`, "out", at === 1 ? 7 : 0);
  for (let at = 0; at < 2; at += 1) await hive.done("w-a", `${more.part}.${at}`, "out");
  const ended = await hive.status(array);
  assert.deepEqual([ended.state, ended.done, ended.failed, ended.running], ["failed", 4, 1, 0]);
  const { index, array: of } = await hive.status(`${more.part}.1`);
  assert.deepEqual([index, of], [4, array]);
});

test("an array that waits says why the next of its jobs does", async () => {
  await using hive = await rig();
  const { array } = await give(hive, numbers(2), { total: 2 });
  const why = Buffer.from(await hive.owner.read(`/jobs/${array}/why`)).toString();
  assert.equal(
    why,
    "queued: 0 of 2 done, 0 failed, 0 run, 2 wait; the next one waits: no worker is present; start one with `skep worker`\n",
  );
});

test("the manifest binds the inputs, the places and the whole: what differs is refused, and what is repeated makes nothing", async () => {
  await using hive = await rig();
  const first = await give(hive, numbers(2), { total: 4 });
  const { array } = first;
  const again = await hive.owner.append("/jobs/ctl", lineOf(hive, numbers(2), { total: 4 }).line as never);
  assert.deepEqual(again.result, { array, repeated: true });
  const wrong: readonly PartOf[] = [
    { first: 2, total: 4, array, told: "00".repeat(32) },
    { first: 1, total: 4, array },
    { first: 3, total: 4, array },
    { first: 2, total: 5, array },
    { first: 2, total: 4, array: "999999" },
  ];
  const codes = [];
  for (const part of wrong) codes.push((await give(hive, numbers(2, 2), part)).code);
  assert.deepEqual(codes, [
    "jobs.manifest",
    "jobs.manifest",
    "jobs.manifest",
    "jobs.manifest",
    "jobs.unknown",
  ]);
  assert.equal((await hive.status(array)).given, 2);
});

test("cancelling an array ends all of its jobs, tells the workers, and takes no more inputs", async () => {
  await using hive = await rig();
  hive.join("w-a", { slots: 2 });
  const { array } = await give(hive, numbers(500), { total: 1800 });
  for (const first of [500, 1000]) await give(hive, numbers(500, first), { first, total: 1800, array });
  await hive.clock.advanceAsync(1);
  assert.equal((await hive.owner.append("/jobs/ctl", { op: "cancel", job: array })).verdict, "ok");
  for (let at = 0; at < 10; at += 1) await hive.clock.advanceAsync(1000);
  const { state, canceled, queued, running } = await hive.status(array);
  assert.deepEqual([state, canceled, queued, running], ["canceled", 1500, 0, 0]);
  assert.match(
    String(await hive.kernel.rings.ring("/worker/w-a/inbox").read(0, 65_536)),
    new RegExp(`{"cancel":"${array}.0"}`),
  );
  const late = await give(hive, numbers(2, 1500), { first: 1500, total: 1800, array });
  assert.equal(late.code, "jobs.ended");
  const plain = await hive.submit();
  for (const at of [0, 1]) await hive.done("w-a", `${array}.${at}`, "");
  assert.equal((await hive.status(plain)).state, "running");
});
