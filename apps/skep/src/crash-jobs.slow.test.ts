import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { delay } from "@skep/clock";
import type { JournalRecord } from "@skep/kernel";
import type { Client } from "@skep/ninep";
import { verifyReceipt } from "@skep/receipt";
import { seeded } from "@skep/testing";
import { realClock } from "./clock.ts";
import { heldContent, upload } from "./jobs/blob.ts";
import { type Daemon, startDaemon } from "./testing/daemon.ts";
import { Inspector } from "./testing/inspect.ts";
import { Load, lineOf, type Sent } from "./testing/load.ts";

const rounds = Number(process.env.SKEP_CRASH_ROUNDS ?? 5);
const seed = Number(process.env.SKEP_CRASH_SEED ?? 1);
const modules = new URL("../../../examples/modules/", import.meta.url);
const names = ["reverse", "sha256", "misbehaving/loop", "misbehaving/exit3"] as const;
type Module = (typeof names)[number];

const bytesOf = (name: Module): Buffer => readFileSync(new URL(`${name}.wasm`, modules));
const digests = new Map(names.map((name) => [name, sha256(bytesOf(name))]));

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const inputOf = (name: string, number: number): string => `${name} number ${number}`;

/** What a module says of an input, by our own account; undefined where it ends badly. */
function expected(module: string, input: string): RegExp | undefined {
  if (module === digests.get("reverse")) return new RegExp(`^${[...input].reverse().join("")}\\s*$`);
  if (module === digests.get("sha256")) return new RegExp(sha256(input));
  return undefined;
}

function line(number: number, name: string, random: () => number): Pick<Sent, "path" | "command"> {
  const drawn = random();
  const module = names[drawn < 0.6 ? 0 : drawn < 0.8 ? 1 : drawn < 0.9 ? 2 : 3] as Module;
  const stdin = { inline: Buffer.from(inputOf(name, number)).toString("base64") };
  // The endless loop has its end by fuel, some tenths of a second later.
  const run = { kind: "wasm", module: digests.get(module), limits: { fuel: "300000000" } };
  return { path: "/jobs/ctl", command: { op: "submit", run, stdin } };
}

interface Told {
  readonly job: string;
  readonly module: string;
  readonly stdin: string;
  readonly key: string | undefined;
  ends: number;
  late: number;
  returns: number;
  readonly leases: string[];
}

type Event = { readonly t: string; readonly d: Record<string, never> };
type End = {
  readonly reason: string;
  readonly verified: boolean;
  readonly receipt: object | null;
  readonly stdout: { readonly inline?: string };
};

/** What became of each job, as the journal tells it. */
class Jobs {
  readonly all = new Map<string, Told>();
  readonly keys = new Map<string, string>();
  readonly workers = new Map<string, string>();
  readonly reasons = new Map<string, number>();
  readonly receipts = new Set<string>();

  read(records: readonly JournalRecord[]): void {
    for (const record of records)
      for (const { t, d } of record.events as unknown as readonly Event[]) this.#event(t, d, record);
  }

  #event(type: string, data: Record<string, never>, record: JournalRecord): void {
    if (type === "workers:joined@1") this.workers.set(data.worker ?? "", data.key ?? "");
    if (!type.startsWith("jobs:") || data.job === undefined) return;
    if (type === "jobs:submitted@1") this.#submitted(data, record);
    const told = this.all.get(data.job) ?? assert.fail(`nobody submitted job ${data.job}`);
    if (type === "jobs:leased@1") told.leases.push(data.worker ?? "");
    if (type === "jobs:returned@1") told.returns += 1;
    if (type === "jobs:late@1") told.late += 1;
    if (type === "jobs:ended@1") this.#ended(told, data, record);
  }

  #submitted(data: Record<string, never>, record: JournalRecord): void {
    const { run, job } = data as unknown as { job: string; run: { what: string } };
    const { stdin } = record.command as { stdin: { inline: string } };
    assert.equal(this.all.has(job), false);
    if (record.key !== undefined) this.keys.set(record.key, job);
    const text = Buffer.from(stdin.inline, "base64").toString();
    this.all.set(job, {
      job,
      module: run.what,
      stdin: text,
      key: record.key,
      ends: 0,
      late: 0,
      returns: 0,
      leases: [],
    });
  }

  #ended(told: Told, data: Record<string, never>, record: JournalRecord): void {
    const { end, worker, state } = data as unknown as { end: End; worker: string; state: string };
    told.ends += 1;
    assert.equal(told.ends, 1, `job ${told.job} has two accepted results`);
    assert.equal(told.leases.includes(worker), true, `job ${told.job} ended by a worker that never had it`);
    this.reasons.set(end.reason, (this.reasons.get(end.reason) ?? 0) + 1);
    assert.deepEqual(
      [end.verified, verifyReceipt(end.receipt, this.workers.get(worker) ?? "").ok],
      [true, true],
    );
    const receipt = sha256(JSON.stringify(end.receipt));
    assert.equal(this.receipts.has(receipt), false, `${record.seq}: a receipt was accepted twice`);
    this.receipts.add(receipt);
    const wanted = expected(told.module, told.stdin);
    if (wanted) {
      assert.equal(state, "done");
      assert.match(Buffer.from(end.stdout.inline ?? "", "base64").toString(), wanted);
    }
  }

  get open(): readonly Told[] {
    return [...this.all.values()].filter(({ ends }) => ends === 0);
  }
}

async function uploadAll(daemon: Daemon): Promise<void> {
  await using client = await daemon.connect();
  for (const name of names) await upload(client, heldContent(bytesOf(name)));
}

async function submitAgain(daemon: Daemon, sent: readonly Sent[]): Promise<void> {
  await using client = await daemon.connect();
  await using file = await client.open("/jobs/ctl", "append");
  for (const one of sent.filter(({ fate }) => fate === "open")) {
    await file.write(lineOf(one));
    one.fate = "accepted";
  }
}

async function stateOf(client: Client, job: string): Promise<string> {
  const status: { readonly state: string } = JSON.parse(
    (await client.readAll(`/jobs/${job}/status.json`)).toString(),
  );
  return status.state;
}

/** Waits until some job runs: workers need their time to come up, and a kill before that proves little. */
async function someRuns(daemon: Daemon): Promise<void> {
  await using client = await daemon.connect();
  for (;;) {
    for (const { name } of await client.readdir("/jobs"))
      if (/^\d+$/.test(name) && (await stateOf(client, name)) === "running") return;
    await delay(realClock, 20);
  }
}

/** Waits until the hive says that nothing waits or runs. */
async function drained(daemon: Daemon, jobs: Iterable<string>): Promise<void> {
  await using client = await daemon.connect();
  for (const job of jobs)
    while (["queued", "running"].includes(await stateOf(client, job))) await delay(realClock, 50);
}

/** Processes of this machine that have the home on their command line. */
function processesOf(home: string): string[] {
  const commands = readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`];
    } catch {
      return [];
    }
  });
  return commands.filter((command) => command.includes(home));
}

async function gone(home: string): Promise<void> {
  const until = performance.now() + 20_000;
  while (processesOf(home).length > 0) {
    if (performance.now() > until) assert.fail(`still there: ${processesOf(home).join("; ")}`);
    await delay(realClock, 50);
  }
}

test(`jobs that run when the daemon is killed, ${rounds} times, end once each with one receipt that verifies`, async () => {
  const home = join(mkdtempSync(join(tmpdir(), "skep-crash-jobs-")), "home");
  const random = seeded(seed);
  const jobs = new Jobs();
  const everything: Sent[] = [];
  let inspector: Inspector | undefined;
  const workers = { args: ["--workers", "2"] };
  try {
    for (let round = 0; round < rounds; round += 1) {
      const daemon = await startDaemon(home, workers);
      if (round === 0) await uploadAll(daemon);
      await submitAgain(daemon, everything);
      const name = `r${round}`;
      const load = new Load({ name, sessions: 2, window: 2, line: (number) => line(number, name, random) });
      const running = load.run(daemon);
      await load.untilAccepted(1 + Math.floor(random() * 30));
      load.stop();
      if (round % 5 > 0) await someRuns(daemon);
      await Promise.race([delay(realClock, random() * 600), daemon.ended]);
      assert.equal((await daemon.kill("SIGKILL")).signal, "SIGKILL", daemon.err());
      await running;
      everything.push(...load.sent);
      inspector ??= new Inspector(home);
      const { records, replayed, recovered } = await inspector.look();
      assert.equal(recovered, replayed);
      jobs.read(records);
      await gone(home);
    }
    const daemon = await startDaemon(home, workers);
    await submitAgain(daemon, everything);
    assert.ok(inspector);
    jobs.read((await inspector.look()).records);
    const inFlight = jobs.open.length;
    await drained(
      daemon,
      jobs.open.map(({ job }) => job),
    );
    assert.deepEqual((await daemon.kill("SIGTERM")).code, 0);
    jobs.read((await inspector.look()).records);
    const accepted = everything.filter(({ fate }) => fate === "accepted");
    for (const { key } of accepted) assert.equal(jobs.keys.has(key), true, `${key} is lost`);
    assert.deepEqual(jobs.open, []);
    const tried = [...jobs.all.values()].filter(({ leases }) => leases.length > 1).length;
    assert.equal(rounds < 4 || tried > 0, true, "no job was running when the daemon was killed");
    const late = [...jobs.all.values()].reduce((sum, told) => sum + told.late, 0);
    const reasons = [...jobs.reasons].map(([reason, count]) => `${count} ${reason}`).join(", ");
    process.stdout.write(
      `crash of jobs: ${rounds} rounds | ${jobs.all.size} jobs, ${inFlight} open after the last kill, ${tried} run again, ${late} late results kept | ended: ${reasons} | two accepted receipts 0\n`,
    );
  } finally {
    rmSync(join(home, ".."), { recursive: true, force: true });
  }
});
