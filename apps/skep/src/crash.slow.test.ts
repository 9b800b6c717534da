import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { JournalRecord } from "@skep/kernel";
import { seeded } from "@skep/testing";
import { type Daemon, type Ended, startDaemon, tryDaemon } from "./testing/daemon.ts";
import { Inspector } from "./testing/inspect.ts";
import { Load, lineOf, type Sent } from "./testing/load.ts";

const rounds = Number(process.env.SKEP_CRASH_ROUNDS ?? 12);
// Every look folds all that there is: many rounds get by with less load in each.
const most = Math.min(1500, Math.ceil(20_000 / rounds));
const seed = Number(process.env.SKEP_CRASH_SEED ?? 1);

/** Everything that was ever sent, by key, and what the journal said of it. */
class Ledger {
  readonly sent = new Map<string, Sent>();
  readonly found = new Map<string, number>();
  next = 0;
  epoch = 0;

  add(sent: readonly Sent[]): void {
    for (const one of sent) this.sent.set(one.key, one);
  }

  /** The journal goes on without a gap, and no key stands in it twice. */
  read(records: readonly JournalRecord[]): void {
    for (const record of records) {
      assert.equal(record.seq, this.next);
      assert.equal(record.epoch === this.epoch || record.epoch === this.epoch + 1, true, `${record.seq}`);
      this.next += 1;
      this.epoch = record.epoch;
      if (record.key === undefined) continue;
      assert.equal(this.found.has(record.key), false, `${record.key} stands in the journal twice`);
      this.found.set(record.key, record.seq);
      this.#whole(record);
    }
  }

  // A record holds the command, its events and the key's event, or it is not there at all.
  #whole(record: JournalRecord): void {
    const { command, path } = this.sent.get(record.key ?? "") ?? assert.fail(`nobody sent ${record.key}`);
    assert.deepEqual([record.path, record.command], [path, command]);
    const types = record.events.map(({ t }) => t);
    const own = path === "/jobs/ctl" ? "jobs:submitted@1" : "queen:revoked@1";
    assert.deepEqual([types.includes(own), types.includes("kernel:keyed@1")], [true, true], record.key);
  }

  check(sent: readonly Sent[]): { accepted: number; open: number; there: number } {
    let there = 0;
    for (const { key, fate } of sent) {
      const found = this.found.has(key);
      if (fate === "accepted") assert.equal(found, true, `${key} was acknowledged and is lost`);
      if (fate === "refused") assert.equal(found, false, `${key} was refused and is in the journal`);
      if (fate === "open" && found) there += 1;
    }
    const accepted = sent.filter(({ fate }) => fate === "accepted").length;
    return { accepted, open: sent.filter(({ fate }) => fate === "open").length, there };
  }
}

const line = (number: number, name: string): Pick<Sent, "path" | "command"> =>
  number % 4 === 0
    ? { path: "/jobs/ctl", command: { op: "submit", run: { kind: "task", name: "nobody", args: [name] } } }
    : { path: "/queen/ctl", command: { revoke: `${name}.${number}` } };

/** Sends what was left open again, and some of what was accepted: each key must come to stand there once. */
async function sendAgain(daemon: Daemon, before: readonly Sent[]): Promise<number> {
  const again = before.filter(({ fate }, at) => fate === "open" || (fate === "accepted" && at % 7 === 0));
  await using client = await daemon.connect();
  for (const path of ["/jobs/ctl", "/queen/ctl"]) {
    await using file = await client.open(path, "append");
    const lines = again.filter((one) => one.path === path);
    await Promise.all(
      lines.map(async (sent) => {
        await file.write(lineOf(sent));
        sent.fate = "accepted";
      }),
    );
  }
  return again.length;
}

/** Kills a daemon while it starts; gives whether it was ready before. */
async function killStart(home: string, ms: number): Promise<boolean> {
  const late = (child: ChildProcess): void => void setTimeout(() => child.kill("SIGKILL"), ms);
  const started: Daemon | Ended = await tryDaemon(home, { spawned: late });
  if (!("ready" in started)) return false;
  await started.kill("SIGKILL");
  return true;
}

test(`after kill -9 under load, ${rounds} times, what was acknowledged is there once and state is a replay`, async () => {
  const home = join(mkdtempSync(join(tmpdir(), "skep-crash-")), "home");
  const random = seeded(seed);
  const ledger = new Ledger();
  const totals = { accepted: 0, open: 0, there: 0, again: 0, starts: 0, cut: 0 };
  let before: readonly Sent[] = [];
  let inspector: Inspector | undefined;
  try {
    for (let round = 0; round < rounds; round += 1) {
      if (random() < 0.25) {
        await killStart(home, 100 + random() * 900);
        totals.starts += 1;
      }
      const daemon = await startDaemon(home);
      if (daemon.err().includes("torn write")) totals.cut += 1;
      totals.again += await sendAgain(daemon, before);
      const name = `r${round}`;
      const load = new Load({ name, sessions: 4, window: 16, line: (number) => line(number, name) });
      const running = load.run(daemon);
      await Promise.race([load.untilAccepted(1 + Math.floor(random() * most)), daemon.ended]);
      const { signal } = await daemon.kill("SIGKILL");
      assert.equal(signal, "SIGKILL", daemon.err());
      await running;
      ledger.add(load.sent);
      inspector ??= new Inspector(home);
      const { records, replayed, recovered } = await inspector.look();
      assert.equal(recovered, replayed);
      ledger.read(records);
      ledger.check(before);
      const { accepted, open, there } = ledger.check(load.sent);
      totals.accepted += accepted;
      totals.open += open;
      totals.there += there;
      before = load.sent;
    }
    const { accepted, open, there, again, starts, cut } = totals;
    process.stdout.write(
      `crash: ${rounds} rounds, ${starts} starts killed too | ${ledger.next} records, ${accepted} acknowledged, ${open} in flight of which ${there} there | ${again} sent again | ${cut} torn tails cut | lost 0, twice 0\n`,
    );
  } finally {
    rmSync(join(home, ".."), { recursive: true, force: true });
  }
});
