import assert from "node:assert/strict";
import { test } from "node:test";
import { fullAuthority, Slices } from "@skep/kernel";
import { createSigner, signManifest } from "@skep/receipt";
import { recordingFiles, simulatedClock } from "@skep/testing";
import { receiptFor, rig, sha256 } from "./rig.test.ts";

test("a job goes to an idle worker in the record that submits it, and ends with a verified receipt", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  assert.equal((await hive.status(job)).state, "running");
  assert.deepEqual(await hive.done("w-a", job, "out\n"), {
    id: Number(job) + 1,
    verdict: "ok",
    result: { job, verified: true },
  });
  const status = await hive.status(job);
  assert.deepEqual([status.state, status.exit, status.verified, status.worker], ["done", 0, "yes", "w-a"]);
  assert.equal(Buffer.from(await hive.owner.read(`/jobs/${job}/stdout`)).toString(), "out\n");
});

test("a job waits while no worker is there, and says so", async () => {
  await using hive = await rig();
  const job = await hive.submit();
  assert.match(
    Buffer.from(await hive.owner.read(`/jobs/${job}/why`)).toString(),
    /^waiting: no worker is present/,
  );
  hive.join("w-a");
  await hive.clock.advanceAsync(1);
  assert.equal((await hive.status(job)).state, "running");
});

test("an exit code other than 0 fails the job and is kept", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  await hive.done("w-a", job, "", 3);
  const { state, exit, reason } = await hive.status(job);
  assert.deepEqual([state, exit, reason], ["failed", 3, "exit"]);
});

test("a receipt of another key, of another job or over other output is refused and the job stays", async () => {
  await using hive = await rig();
  const worker = hive.join("w-a");
  const job = await hive.submit();
  const { job_id: jobId } = (await hive.status(job)) as { job_id: string };
  const good = Buffer.from(sha256("w-a"), "hex");
  const output = (text: string) => ({ bytes: text.length, inline: Buffer.from(text).toString("base64") });
  const bad = [
    { receipt: receiptFor(Buffer.alloc(32, 9), jobId, "x", 0), stdout: output("x") },
    { receipt: receiptFor(good, "00".repeat(32), "x", 0), stdout: output("x") },
    { receipt: receiptFor(good, jobId, "y", 0), stdout: output("x") },
    { receipt: receiptFor(good, jobId, "x", 1), stdout: output("x") },
    { stdout: output("x") },
  ];
  for (const part of bad) {
    const answer = await worker.append("/worker/w-a/results", {
      op: "done",
      job,
      stderr: output(""),
      ...part,
    } as never);
    assert.match(String(answer.code), /^jobs\.(receipt|unsigned)$/);
  }
  assert.equal((await hive.status(job)).state, "running");
});

test("a worker that is silent gives its job back, and its late result is kept but not accepted", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  hive.leave("w-a");
  hive.join("w-b");
  await hive.clock.advanceAsync(20_000);
  const moved = await hive.status(job);
  assert.deepEqual([moved.state, moved.worker, moved.tries], ["running", "w-b", 2]);
  assert.deepEqual(((await hive.done("w-a", job, "late")) as { result: object }).result, { job, late: true });
  await hive.done("w-b", job, "in time");
  const { late_receipts: late, worker, stdout_bytes: bytes } = await hive.status(job);
  assert.deepEqual([late, worker, bytes], [1, "w-b", 7]);
  assert.equal(((await hive.done("w-a", job, "again")) as { code: string }).code, "jobs.told");
});

test("a renewed lease outlives its first end", async () => {
  await using hive = await rig();
  const worker = hive.join("w-a");
  const job = await hive.submit();
  for (let at = 0; at < 5; at += 1) {
    await hive.clock.advanceAsync(10_000);
    await worker.append("/worker/w-a/results", { op: "renew" });
  }
  const { state, tries } = await hive.status(job);
  assert.deepEqual([state, tries], ["running", 1]);
});

test("a new process of a worker gives back what its predecessor held", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  hive.join("w-a", { incarnation: "another-one" });
  await hive.clock.advanceAsync(1);
  const { state, tries } = await hive.status(job);
  assert.deepEqual([state, tries], ["running", 2]);
});

test("three workers that vanish with a job fail it", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  for (let at = 0; at < 3; at += 1) {
    hive.join("w-a", { incarnation: `incarnation-${at}` });
    await hive.clock.advanceAsync(1);
  }
  const { state, reason } = await hive.status(job);
  assert.deepEqual([state, reason], ["failed", "lost"]);
});

test("cancel ends a job at once, frees the slot only when the worker has stopped, and works once", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  const next = await hive.submit();
  assert.equal((await hive.owner.append("/jobs/ctl", { op: "cancel", job })).verdict, "ok");
  assert.equal((await hive.status(job)).state, "canceled");
  assert.equal((await hive.status(next)).state, "queued");
  assert.equal((await hive.owner.append("/jobs/ctl", { op: "cancel", job })).code, "jobs.ended");
  await hive.done("w-a", job, "part");
  assert.equal((await hive.status(job)).state, "canceled");
  assert.equal((await hive.status(next)).state, "running");
});

test("the same key and command give the same answer and one job", async () => {
  await using hive = await rig();
  const line = { op: "submit", run: { kind: "task", name: "count" }, $key: "once" };
  const first = await hive.owner.append("/jobs/ctl", line as never);
  assert.deepEqual(await hive.owner.append("/jobs/ctl", line as never), first);
});

test("after a restart the state is that of a replay from genesis, and leases go on", async () => {
  const files = recordingFiles();
  const clock = simulatedClock(3);
  const hive = await rig(files, clock);
  hive.join("w-a", { slots: 2 });
  const [ended, running, waiting] = [await hive.submit(), await hive.submit(), await hive.submit()];
  await hive.done("w-a", ended, "x");
  await hive.kernel.settled();
  const before = hive.kernel.slices.state.digest();
  const replayed = new Slices([...hive.kernel.options.providers], "test");
  for await (const record of hive.kernel.journal.records(0)) replayed.apply(record);
  assert.equal(replayed.state.digest(), before);
  await hive.kernel.close();
  await using again = await rig(files, clock);
  assert.deepEqual(
    await Promise.all([ended, running, waiting].map(async (job) => (await again.status(job)).state)),
    ["done", "running", "running"],
  );
});

test("another subject sees neither the job nor that it is there", async () => {
  await using hive = await rig();
  const job = await hive.submit();
  const other = hive.kernel.attach(fullAuthority("mallory", "agent"), "test");
  await assert.rejects(other.read(`/jobs/${job}/status`), { code: "session.absent" });
  assert.equal((await other.append("/jobs/ctl", { op: "cancel", job })).code, "jobs.unknown");
});

test("a thousand jobs whose deadline passes at once end in records that fit", async () => {
  await using hive = await rig();
  const key = createSigner(Buffer.alloc(32, 5));
  const now = BigInt(hive.clock.now()) * 1_000_000n;
  const payload = { kind: "wasm" as const, module_cid: `sha256:${"ab".repeat(32)}` };
  const jobs: string[] = [];
  for (let at = 0; at < 1000; at += 1) {
    const input = [...Buffer.from(JSON.stringify({ nonce: String(at), deadline_ms: 5000 }))];
    const expiresAt = now + 5_000_000_000n;
    const { manifest } = signManifest(key, { payload: { ...payload, input }, createdAt: now, expiresAt });
    jobs.push(await hive.submit({ op: "submit", manifest }));
  }
  await hive.clock.advanceAsync(30_000);
  const states = await Promise.all(jobs.map(async (job) => (await hive.status(job)).state));
  assert.deepEqual([...new Set(states)], ["expired"]);
  await hive.clock.advanceAsync(120_000);
  const { slice } = hive.kernel.slices.bound.find(({ provider }) => provider.name === "jobs") ?? {};
  assert.equal((slice as { manifests: { size: number } }).manifests.size, 0);
});

test("restarts of the hive are not held against a job, vanished workers are", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  for (let at = 0; at < 5; at += 1) {
    hive.kernel.system("kernel", "/", { op: "start" }, () => ({
      events: [{ type: "started@1", data: { epoch: at + 2 } }],
    }));
    hive.join("w-a", { incarnation: `after-restart-${at}` });
    await hive.clock.advanceAsync(1);
  }
  const { state, tries } = await hive.status(job);
  assert.deepEqual([state, tries], ["running", 6]);
  for (let at = 0; at < 3; at += 1) {
    hive.join("w-a", { incarnation: `vanished-${at}` });
    await hive.clock.advanceAsync(1);
  }
  assert.equal((await hive.status(job)).reason, "lost");
});

test("what ended is found after it left state, also what nobody ended", async () => {
  await using hive = await rig();
  const key = createSigner(Buffer.alloc(32, 5));
  const now = BigInt(hive.clock.now()) * 1_000_000n;
  const input = [...Buffer.from('{"deadline_ms":1000}')];
  const payload = { kind: "wasm" as const, module_cid: `sha256:${"ab".repeat(32)}`, input };
  const { manifest } = signManifest(key, { payload, createdAt: now, expiresAt: now + 1_000_000_000n });
  const expired = await hive.submit({ op: "submit", manifest });
  const canceled = await hive.submit();
  await hive.owner.append("/jobs/ctl", { op: "cancel", job: canceled });
  await hive.clock.advanceAsync(5000);
  const done = await hive.submit();
  hive.join("w-a");
  await hive.clock.advanceAsync(1);
  await hive.done("w-a", done, "out");
  for (let hour = 0; hour < 25; hour += 1) await hive.clock.advanceAsync(3600_000);
  assert.ok(
    [...hive.kernel.slices.state.rows()].every(([slice, member]) => slice !== "jobs" || member !== "jobs"),
  );
  const states = await Promise.all([expired, canceled, done].map((job) => hive.status(job)));
  assert.deepEqual(
    states.map(({ state, reason }) => [state, reason]),
    [
      ["expired", "deadline"],
      ["canceled", "canceled"],
      ["done", "exit"],
    ],
  );
});

test("a worker that vanished while the hive was down gets nothing until it speaks again", async () => {
  const files = recordingFiles();
  const clock = simulatedClock(11);
  const first = await rig(files, clock);
  first.join("w-ghost");
  first.join("w-held", { slots: 1 });
  await first.kernel.close();
  await using hive = await rig(files, clock);
  const job = await hive.submit();
  assert.equal((await hive.status(job)).state, "queued");
  hive.join("w-held");
  await hive.clock.advanceAsync(1);
  assert.equal((await hive.status(job)).worker, "w-held");
});
