import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Freezer, isStopped } from "./freezer.ts";
import { makePoolGroup } from "./pool-group.ts";
import { createSandboxPool, type SandboxPool } from "./pool.ts";
import { descendants, example, jobOf } from "./testing.ts";

const switches = [
  { name: "the freezer of a control group where there is one", layers: {} },
  { name: "SIGSTOP", layers: { cgroup: false } },
];

/** Processor time of everything below this process, in ticks; what it is made of too. */
function spent(): { ticks: number; pids: number[] } {
  const pids = descendants(process.pid);
  let ticks = 0;
  for (const pid of pids)
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // gone meanwhile
    }
  return { ticks, pids };
}

async function flooding(pool: SandboxPool, wallMs: number) {
  const begun = Promise.withResolvers<void>();
  let bytes = 0;
  const job = jobOf(example("misbehaving/flood"), {
    limits: { stdoutBytes: 1e12, wallMs, fuel: 1n << 62n },
    onOutput: (_stream, data) => {
      bytes += data.length;
      begun.resolve();
    },
  });
  const stop = new AbortController();
  const ended = pool.run(job, stop.signal);
  await begun.promise;
  return { ended, stop, bytes: () => bytes };
}

const grouped = await makePoolGroup(undefined);
await grouped.remove();

/** A flood ends nothing here before its time. */
const limits = { stdoutBytes: 2 ** 40 };

const turn = () => new Promise((resolve) => setTimeout(resolve, 150));

for (const { name, layers } of switches)
  test(`nothing runs while frozen, and the job goes on afterwards (${name})`, async () => {
    await using pool = await createSandboxPool({ warm: 1, layers, limits });
    await pool.ready();
    const { ended, stop, bytes } = await flooding(pool, 20_000);
    const stopped = await pool.freeze();
    assert.equal(stopped.seen, true);
    assert.equal(stopped.method === "SIGSTOP", "cgroup" in layers || grouped.freezer === null);
    // What it had put into its pipe before may still come.
    await turn();
    const before = { bytes: bytes(), ...spent() };
    await turn();
    const after = { bytes: bytes(), ...spent() };
    assert.deepEqual(after, before);
    pool.thaw();
    await turn();
    assert.ok(bytes() > before.bytes);
    stop.abort();
    assert.equal((await ended).reason, "canceled");
  });

test("frozen time counts for no limit", async () => {
  await using pool = await createSandboxPool({ warm: 1, limits });
  await pool.ready();
  const { ended } = await flooding(pool, 600);
  await pool.freeze();
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.equal(over, false);
  pool.thaw();
  const { reason, durations } = await ended;
  assert.equal(reason, "timeout");
  assert.ok(durations.runMs < 1200, `${durations.runMs} ms`);
  assert.ok(pool.frozenMs >= 1200);
});

test("a job that comes while all is frozen waits, and no process starts meanwhile", async () => {
  await using pool = await createSandboxPool({ warm: 1, limits });
  await pool.ready();
  await pool.freeze();
  const { pids } = spent();
  const job = jobOf(example("reverse"), { stdin: Buffer.from("abc") });
  const ended = pool.run(job);
  await turn();
  assert.equal(job.output.stdout, "");
  assert.deepEqual(spent().pids, pids);
  pool.thaw();
  assert.equal((await ended).reason, "exit");
});

for (const { name, layers } of switches)
  test(`a frozen job can be ended, and at rest no process is left (${name})`, async () => {
    await using pool = await createSandboxPool({ warm: 2, layers, limits });
    await pool.ready();
    const { ended, stop } = await flooding(pool, 20_000);
    await pool.freeze();
    stop.abort();
    pool.rest();
    assert.equal((await ended).reason, "canceled");
    pool.rest();
    for (let left = 100; spent().pids.length > 0 && left > 0; left -= 1) await turn();
    assert.deepEqual(spent().pids, []);
    pool.thaw();
    assert.equal((await pool.run(jobOf(example("reverse")))).reason, "exit");
  });

for (const { name, layers } of switches)
  test(`a pool that had just begun to go on is seen to stand still when it is frozen and put to rest (${name})`, async () => {
    await using pool = await createSandboxPool({ warm: 2, layers, limits });
    await pool.ready();
    for (const wait of [0, 5, 20, 40, 80]) {
      await pool.freeze();
      pool.rest();
      pool.thaw();
      await new Promise((resolve) => setTimeout(resolve, wait));
      const stopped = pool.freeze();
      pool.rest();
      const { seen, ms } = await stopped;
      assert.deepEqual([wait, seen, ms < 500], [wait, true, true], `${ms} ms`);
    }
  });

test("a timer stands still while held, and goes on with what was left", async () => {
  const freezer = new Freezer(null);
  let rang = 0;
  freezer.after(120, () => {
    rang = performance.now();
  });
  const began = performance.now();
  await freezer.freeze();
  await turn();
  assert.equal(rang, 0);
  freezer.thaw();
  await turn();
  assert.ok(rang - began >= 250, `${rang - began} ms`);
});

test("a process limit and niceness hold for what runs modules", async () => {
  await using pool = await createSandboxPool({ warm: 1, nice: 19, cpus: 0.5, limits });
  await pool.ready();
  const { ended, stop } = await flooding(pool, 20_000);
  const nices = spent().pids.map(
    (pid) => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ")[16],
  );
  assert.deepEqual([...new Set(nices)], ["19"]);
  const before = spent().ticks;
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const share = ((spent().ticks - before) * 10) / (performance.now() - began);
  if (pool.noCpuLimit === null && pool.layers.includes("memory-cgroup")) assert.ok(share < 0.7, `${share}`);
  stop.abort();
  await ended;
});

test("a process that is gone counts as stopped, this one does not", () => {
  assert.deepEqual([isStopped(2 ** 22 + 1), isStopped(process.pid)], [true, false]);
});
