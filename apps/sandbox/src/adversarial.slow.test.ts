import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hostile } from "./hostile.ts";
import type { SandboxJob, SandboxReason } from "./job.ts";
import { createSandboxPool, type SandboxPool } from "./pool.ts";
import { probe } from "./probe.ts";
import { descendants, example, jobOf } from "./testing.ts";

const MiB = 1024 * 1024;

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly reasons: readonly SandboxReason[];
  readonly more?: Parameters<typeof jobOf>[1];
  readonly stdout?: string;
}

const endless = 1n << 60n;
const cases: readonly Case[] = [
  { name: "endless loop, fuel", bytes: example("misbehaving/loop"), reasons: ["fuel"] },
  {
    name: "endless loop, wall clock",
    bytes: example("misbehaving/loop"),
    reasons: ["timeout"],
    more: { limits: { fuel: endless, wallMs: 1000 } },
  },
  { name: "start-function loop, fuel", bytes: hostile.startLoop, reasons: ["fuel"] },
  {
    name: "start-function loop, wall clock",
    bytes: hostile.startLoop,
    reasons: ["timeout"],
    more: { limits: { fuel: endless, wallMs: 1000 } },
  },
  {
    name: "compile bomb",
    bytes: hostile.compileBomb,
    reasons: ["refused", "timeout", "exit"],
    more: { limits: { wallMs: 5000 } },
  },
  { name: "table bomb", bytes: hostile.tableBomb, reasons: ["refused"] },
  { name: "table growth", bytes: hostile.tableGrowth, reasons: ["refused"] },
  { name: "memory growth", bytes: example("misbehaving/grow"), reasons: ["exit"], stdout: "256\n" },
  { name: "memory of 4 GiB at once", bytes: hostile.memoryBomb, reasons: ["memory", "link", "refused"] },
  { name: "call depth", bytes: example("misbehaving/recurse"), reasons: ["depth"] },
  { name: "stdout flood", bytes: example("misbehaving/flood"), reasons: ["output"] },
  {
    name: "stderr flood",
    bytes: example("misbehaving/flood"),
    reasons: ["output"],
    more: { args: ["flood", "x"] },
  },
  { name: "huge locals", bytes: hostile.hugeLocals, reasons: ["refused"] },
  { name: "many locals", bytes: hostile.manyLocals, reasons: ["refused"] },
  { name: "br_table bomb", bytes: hostile.branchBomb, reasons: ["refused"] },
  { name: "shared memory", bytes: hostile.sharedMemory, reasons: ["refused"] },
  { name: "foreign import", bytes: hostile.foreignImport, reasons: ["refused"] },
  {
    name: "NaN-boxing",
    bytes: hostile.nanBoxing,
    reasons: ["exit"],
    stdout: Buffer.from("000000000000f87f", "hex").toString("latin1"),
  },
  { name: "truncated module", bytes: hostile.truncated, reasons: ["refused"] },
  { name: "custom-section bomb", bytes: hostile.customBomb, reasons: ["refused"] },
  { name: "17 MiB of custom section", bytes: hostile.customFlood, reasons: ["refused"] },
  { name: "no _start", bytes: hostile.noStart, reasons: ["link", "refused"] },
  { name: "trap", bytes: example("misbehaving/trap"), reasons: ["trap"], stdout: "before the trap\n" },
];

const rows: string[] = [];
const pools: SandboxPool[] = [];
const mega = (bytes: number) => `${(bytes / MiB).toFixed(1)} MiB`.padStart(11);

async function attack(pool: SandboxPool, level: string, name: string, job: SandboxJob) {
  const started = performance.now();
  let own = process.memoryUsage.rss();
  const watch = setInterval(() => {
    own = Math.max(own, process.memoryUsage.rss());
  }, 10);
  const result = await pool.run(job);
  clearInterval(watch);
  rows.push(
    `${level.padEnd(12)} ${name.padEnd(32)} ${result.reason.padEnd(8)} runner ${mega(result.peakRunnerBytes)}  ` +
      `parent ${mega(own)}  ${(performance.now() - started).toFixed(0).padStart(6)} ms  ${result.message.slice(0, 90)}`,
  );
  return result;
}

const line = "a gigabyte of lines, all alike but long enough to be worth it..\n";

async function* lines(bytes: number): AsyncGenerator<Uint8Array> {
  const block = Buffer.from(line.repeat(MiB / line.length));
  for (let at = 0; at < bytes; at += block.length) yield block;
}

for (const bubblewrap of [true, false]) {
  const level = bubblewrap ? "bubblewrap" : "without it";
  const { missing } = await probe({ bubblewrap });
  const lacking = bubblewrap && missing.find(({ layer }) => layer === "bubblewrap");
  const skip = lacking ? `bubblewrap: ${lacking.reason}` : false;
  const pool = skip
    ? undefined
    : await createSandboxPool({ layers: { bubblewrap }, warm: 1, concurrency: 1 });
  if (pool) pools.push(pool);
  for (const { name, bytes, reasons, more, stdout } of cases)
    test(`${name} ends by name and harms nobody (${level})`, { skip }, async () => {
      assert.ok(pool);
      const job = jobOf(bytes, more);
      const result = await attack(pool, level, name, job);
      assert.ok(reasons.includes(result.reason), `${result.reason}: ${result.message}`);
      if (stdout !== undefined) assert.equal(job.output.stdout, stdout);
      assert.ok(result.stdoutBytes <= job.limits.stdoutBytes && result.stderrBytes <= job.limits.stderrBytes);
      const sound = await pool.run(jobOf(example("reverse"), { stdin: Buffer.from("ab") }));
      assert.equal(sound.reason, "exit");
    });

  test(`a gigabyte of stdin streams through in bounded memory (${level})`, { skip }, async () => {
    assert.ok(pool);
    const size = 1024 * MiB;
    const before = process.memoryUsage().rss;
    const job = jobOf(example("wc"), { stdin: lines(size), limits: { fuel: endless, wallMs: 300_000 } });
    const result = await attack(pool, level, "1 GB stdin", job);
    assert.equal(result.message, "Exit 0");
    const count = size / line.length;
    assert.equal(job.output.stdout, `${count} ${count * line.split(" ").length} ${size}\n`);
    assert.ok(result.peakRunnerBytes < 160 * MiB);
    assert.ok(process.memoryUsage().rss - before < 100 * MiB);
  });
}

after(async () => {
  for (const pool of pools) await pool[Symbol.asyncDispose]();
  console.log(rows.join("\n"));
  assert.deepEqual(descendants(process.pid), []);
});
