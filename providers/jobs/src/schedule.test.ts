import assert from "node:assert/strict";
import { test } from "node:test";
import { type Rig, rig } from "./rig.test.ts";

const module = "ab".repeat(32);
const lineOf = (run: object = {}, more: object = {}) => ({
  op: "submit",
  run: { kind: "wasm", module, ...run },
  ...more,
});
const where = (wanted: object) => lineOf({ where: wanted });
const why = async (hive: Rig, job: string): Promise<string> =>
  Buffer.from(await hive.owner.read(`/jobs/${job}/why`)).toString();
const inbox = async (hive: Rig, worker: string): Promise<string> =>
  Buffer.from(await hive.kernel.rings.ring(`/worker/${worker}/inbox`).read(0, 65_536)).toString();

const lacks: readonly (readonly [wanted: object, says: string])[] = [
  [{ labels: ["gpu"] }, "no machine with label gpu"],
  [{ labels: ["desk"], classes: ["rented"] }, "no machine of class rented"],
  [{ arch: "riscv64" }, "no machine of architecture riscv64"],
  [{ memory_bytes: 1024 ** 4 }, "no machine with 1.00 TiB of memory"],
  [{ data: "private" }, "no machine that may see private data"],
  [{ labels: ["desk"], arch: "arm64" }, "no machine of architecture arm64 among those with label desk"],
];
for (const [wanted, says] of lacks)
  test(`a job that ${JSON.stringify(wanted)} is asked of waits, and says: ${says}`, async () => {
    await using hive = await rig();
    const facts = { arch: "x64", memoryBytes: 1024 ** 3 };
    hive.join("w-a", { machine: { ...facts, class: "borrowed", labels: ["desk"] } });
    hive.join("w-b", { machine: { ...facts, arch: "arm64", class: "borrowed", labels: [] } });
    const job = await hive.submit(where(wanted));
    await hive.clock.advanceAsync(3_600_000);
    assert.deepEqual([(await hive.status(job)).state, (await hive.status(job)).wait], ["queued", says]);
    assert.equal((await why(hive, job)).split("\n")[0], `waiting: ${says}`);
  });

test("a job goes to the machine that has all it asks for, once that is there, and others pass it meanwhile", async () => {
  await using hive = await rig();
  hive.join("w-a", { machine: { class: "owned" } });
  const picky = await hive.submit(where({ labels: ["gpu"], arch: "arm64", memory_bytes: 1024 ** 3 }));
  const plain = await hive.submit();
  assert.equal((await hive.status(plain)).worker, "w-a");
  const machine = { class: "rented", labels: ["gpu", "big"], arch: "arm64", memoryBytes: 1024 ** 3 };
  hive.join("w-b", { machine });
  await hive.clock.advanceAsync(1);
  assert.equal((await hive.status(picky)).worker, "w-b");
});

test("a volunteer's machine may have what is declared public and nothing else", async () => {
  await using hive = await rig();
  hive.join("w-v", { slots: 4, machine: { class: "volunteer", owner: "somebody" } });
  const jobs = [await hive.submit(), await hive.submit(where({ data: "public" }))];
  const waits = await Promise.all(jobs.map(async (job) => String((await hive.status(job)).wait)));
  const says = "no machine that may see internal data";
  assert.deepEqual(
    waits.map((wait) => wait === says),
    [true, false],
  );
});

test("an attested machine cannot be asked for yet, and the refusal says so", async () => {
  await using hive = await rig();
  const answer = await hive.owner.append("/jobs/ctl", where({ attested: true }) as never);
  assert.equal(answer.code, "jobs.attested");
});

test("a job whose machine vanished is with another within 30 s", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  await hive.clock.advanceAsync(1);
  hive.join("w-b");
  const renewing = hive.join("w-b");
  hive.leave("w-a");
  let waited = 0;
  while ((await hive.status(job)).worker !== "w-b" && waited < 60_000) {
    await hive.clock.advanceAsync(1000);
    waited += 1000;
    await renewing.append("/worker/w-b/results", { op: "renew" });
  }
  assert.ok(waited <= 30_000, `${waited} ms`);
});

test("a deadline ends a job that waits and one that runs, and the worker of that is told to stop", async () => {
  await using hive = await rig();
  const worker = hive.join("w-a");
  const runs = await hive.submit(lineOf({ deadline_ms: 20_000 }));
  const waits = await hive.submit(lineOf({ deadline_ms: 10_000 }));
  for (let at = 0; at < 6; at += 1) {
    await hive.clock.advanceAsync(4000);
    await worker.append("/worker/w-a/results", { op: "renew" });
  }
  for (const job of [runs, waits]) {
    const { state, reason } = await hive.status(job);
    assert.deepEqual([state, reason], ["expired", "deadline"]);
  }
  assert.match(await inbox(hive, "w-a"), new RegExp(`{"cancel":"${runs}"}`));
  const next = await hive.submit();
  assert.equal((await hive.status(next)).state, "queued");
  await hive.done("w-a", runs, "too late");
  assert.deepEqual(
    [(await hive.status(runs)).state, (await hive.status(next)).state],
    ["expired", "running"],
  );
});

/** A module of which five runs took a tenth of a second each. */
async function known(hive: Rig): Promise<void> {
  for (let at = 0; at < 5; at += 1) {
    const job = await hive.submit();
    await hive.clock.advanceAsync(100);
    await hive.done("w-a", job, "");
  }
}

test("a straggler gets a copy where a machine is idle; the first result counts, and the other is told to stop", async () => {
  await using hive = await rig();
  hive.join("w-a");
  await known(hive);
  const job = await hive.submit();
  hive.join("w-b");
  await hive.clock.advanceAsync(3000);
  assert.match(await why(hive, job), /^running: w-a .*, and 1 more, try 2/);
  await hive.done("w-b", job, "copy");
  const { state, worker, tries } = await hive.status(job);
  assert.deepEqual([state, worker, tries], ["done", "w-b", 2]);
  assert.match(await inbox(hive, "w-a"), new RegExp(`{"cancel":"${job}"}`));
  assert.deepEqual(((await hive.done("w-a", job, "mine")) as { result: object }).result, { job, late: true });
  assert.equal(Buffer.from(await hive.owner.read(`/jobs/${job}/stdout`)).toString(), "copy");
  const usage = [...hive.kernel.slices.state.rows()].find(([, member]) => member === "usage");
  assert.equal((usage as unknown as [0, 0, 0, { running: number }])[3].running, 0);
});

test("no copy is made while other work waits for the idle machine, nor of a job whose module nobody knows", async () => {
  await using hive = await rig();
  hive.join("w-a");
  const job = await hive.submit();
  hive.join("w-b");
  await hive.clock.advanceAsync(9000);
  assert.equal((await hive.status(job)).tries, 1);
});

test("what the owner of a machine gives back goes to another at once and is no try, however often", async () => {
  await using hive = await rig();
  const names = Array.from({ length: 8 }, (_, at) => `w-${at}`);
  const sessions = new Map(names.map((name) => [name, hive.join(name)]));
  const job = await hive.submit();
  const held = new Set<string>();
  for (let at = 0; at < 6; at += 1) {
    const worker = String((await hive.status(job)).worker);
    assert.equal(held.has(worker), false, `${worker} has it again`);
    held.add(worker);
    const line = { op: "return", job, reason: "owner" };
    await sessions.get(worker)?.append(`/worker/${worker}/results`, line as never);
    await hive.clock.advanceAsync(1);
  }
  assert.equal((await hive.status(job)).state, "running");
});

test("a job that needs others begins when they ended well, with the output of one as its input", async () => {
  await using hive = await rig();
  const session = hive.join("w-a", { slots: 4 });
  const one = await hive.submit();
  const two = await hive.submit();
  const last = await hive.submit(lineOf({}, { needs: [two], stdin: { job: one } }));
  assert.equal((await hive.status(last)).wait, `job ${two} (running) and 1 more must end well first`);
  await hive.done("w-a", two, "");
  await hive.clock.advanceAsync(1);
  assert.equal((await hive.status(last)).state, "queued");
  await hive.done("w-a", one, "hello");
  await hive.clock.advanceAsync(1);
  assert.equal((await hive.status(last)).state, "running");
  assert.equal(Buffer.from(await session.read(`/jobs/${last}/stdin`)).toString(), "hello");
});

test("a job that did not end well stops those that need it, each with a reason of its own, also what was forgotten", async () => {
  await using hive = await rig();
  hive.join("w-a", { slots: 4 });
  const bad = await hive.submit();
  const child = await hive.submit(lineOf({}, { needs: [bad] }));
  const grandchild = await hive.submit(lineOf({}, { needs: [child] }));
  await hive.done("w-a", bad, "", 3);
  const tell = () =>
    Promise.all([child, grandchild].map(async (job) => (await why(hive, job)).split("\n")[0]));
  const told = [`failed: needs: job ${bad} did not end well`, `failed: needs: job ${child} did not end well`];
  assert.deepEqual(await tell(), told);
  const late = await hive.owner.append("/jobs/ctl", lineOf({}, { needs: [bad] }) as never);
  assert.equal(late.code, "jobs.needs");
  for (let hour = 0; hour < 25; hour += 1) await hive.clock.advanceAsync(3_600_000);
  assert.equal(hive.kernel.slices.state.digest().length, 64);
  assert.deepEqual(await tell(), told);
});
