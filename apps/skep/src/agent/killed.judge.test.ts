// kill -9 between the check of a signature and its effect: a process of its own, its real journal, ssh-keygen.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { makeHome } from "../config/mod.ts";
import { Keys, withoutKeygen as skip } from "../matrix/keys.ts";
import { pin } from "../testing/forged.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";

const keys = new Keys();
after(() => keys[Symbol.dispose]());
const ann = skip ? "" : keys.make("ann");
const child = fileURLToPath(new URL("../testing/killed.ts", import.meta.url));

interface Told {
  readonly id: number;
  readonly digest: string;
  readonly statement: string;
}

/** Lets a daemon kill itself where its agent verifies; gives what was asked, and the hive after its restart. */
async function killed(
  t: TestContext,
  when: "before" | "after",
): Promise<{ told: Told; again: TestHive; signature: string }> {
  const place = makeTestPlace();
  t.after(() => place[Symbol.asyncDispose]());
  makeHome(place.home, process.getuid?.() ?? 0);
  pin(place.home, ann);
  const args = ["--disable-warning=ExperimentalWarning", child, place.home, when, `ann,owner ${ann}\n`];
  const daemon = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    daemon.once("exit", (_code, signal) => resolve(signal)),
  );
  const { value } = await createInterface({ input: daemon.stdout })[Symbol.asyncIterator]().next();
  const told = JSON.parse(String(value)) as Told;
  const signature = keys.sign("ann", told.statement);
  daemon.stdin.write(`${JSON.stringify(signature)}\n`);
  assert.equal(await ended, "SIGKILL");
  const again = await startTestHive(place, { SKEP_RETENTION_OUTPUTS_AGE: "0s" });
  t.after(() => again.stop());
  return { told, again, signature };
}

/** What became of the unlink, once its outcome is journalled. */
async function outcome({ hive }: TestHive): Promise<string> {
  const { journal } = hive.kernel;
  for (let tries = 0; tries < 2000; tries += 1) {
    const { next } = journal;
    await hive.kernel.settled();
    for (let seq = 0; seq < next; seq += 1) {
      const { command } = await journal.record(seq);
      if (JSON.stringify(command).includes('"cas.unlink"')) return JSON.stringify(command);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return assert.fail("the effect has no outcome");
}

test("killed after the nonce was burnt: the act is not begun again, and its replay is refused", {
  skip,
}, async (t) => {
  const { told, again, signature } = await killed(t, "after");
  assert.match(await outcome(again), /statement\.replayed/);
  assert.equal(await again.hive.storage.blobs.size(told.digest), 8);
  const status = Buffer.from(await again.hive.owner.read(`/actions/${told.id}/status`)).toString();
  assert.match(status, /^state=ran/);
  const line = { action: String(told.id), decision: "approve", signature };
  assert.equal((await again.hive.owner.append("/actions/queue", line)).code, "policy.over");
});

test("killed before the nonce was burnt: the act runs once after the restart", { skip }, async (t) => {
  const { told, again, signature } = await killed(t, "before");
  assert.doesNotMatch(await outcome(again), /failed/);
  assert.equal(await again.hive.storage.blobs.size(told.digest), undefined);
  assert.equal(existsSync(`${again.home}/agent/burnt`), true);
  const line = { action: String(told.id), decision: "approve", signature };
  assert.equal((await again.hive.owner.append("/actions/queue", line)).code, "policy.over");
});
