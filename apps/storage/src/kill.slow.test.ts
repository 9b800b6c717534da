import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Journal } from "@skep/kernel";
import { lockHome, openFiles } from "@skep/storage";
import { seeded } from "@skep/testing";

const rounds = 20;
const inFlight = 64;
const childHome = process.argv[2];
const hooks = {
  defer: (act: () => void) => setImmediate(act),
  fatal: (error: unknown) => assert.fail(String(error)),
};
// Small segments, so that kills hit the change from one to the next as well.
const options = { segmentSize: 256 * 1024 };

const record = (seq: number, round: string) =>
  Buffer.from(JSON.stringify({ v: 1, seq, round, pad: "p".repeat(40 + (seq % 500)) }));

/** Appends until it is killed; tells each durable sequence on its output after the durability. */
async function append(home: string): Promise<void> {
  lockHome(home);
  const journal = await Journal.open(openFiles(home), hooks, options);
  const round = process.argv[3] ?? "";
  process.stdout.write(`start ${journal.next}\n`);
  const one = async () => {
    for (;;) {
      const seq = journal.next;
      journal.push(record(seq, round));
      await journal.durableUpTo(seq + 1);
      process.stdout.write(`${seq}\n`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
}

/** Starts the child, kills it after `count` acknowledgements, and gives what it had told. */
function killedAfter(home: string, round: number, count: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), home, String(round)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let told = "";
    child.stdout.on("data", (chunk: Buffer) => {
      told += chunk;
      if (told.split("\n").length > count) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (signal !== "SIGKILL") reject(new Error(`the child ended by itself with ${code}`));
      const lines = told.split("\n").slice(1, -1);
      resolve(lines.map(Number));
    });
  });
}

async function found(home: string): Promise<string[]> {
  using lock = lockHome(home);
  assert.equal(lock.home, home);
  const journal = await Journal.open(openFiles(home), hooks, options);
  const records: string[] = [];
  while (records.length < journal.next)
    for (const bytes of await journal.segments.read(records.length, 1000))
      records.push(Buffer.from(bytes).toString());
  // Not closed: the next start finds a crash, not a clean stop.
  return records;
}

if (childHome !== undefined) await append(childHome);
else
  test(`every acknowledged record is found once after kill -9, in ${rounds} rounds under load`, async () => {
    const home = mkdtempSync(join(tmpdir(), "skep-kill-"));
    try {
      const random = seeded(5);
      let before: string[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const acknowledged = await killedAfter(home, round, 1 + Math.floor(random() * 4000));
        const after = await found(home);
        assert.deepEqual(after.slice(0, before.length), before, `round ${round}: earlier records changed`);
        assert.equal(acknowledged.length > 0, true);
        for (const seq of acknowledged)
          assert.equal(after[seq], record(seq, String(round)).toString(), `${seq}`);
        for (let seq = before.length; seq < after.length; seq += 1)
          assert.equal(after[seq], record(seq, String(round)).toString(), `round ${round}: record ${seq}`);
        before = after;
      }
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
