import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createVerifier, openCheckpoint, parseNote, verifyNote } from "@skep/tlog";
import { rotateKey } from "../hive/rotate.ts";
import { hiveKeys } from "../hive/keys.ts";
import { startTestHive, type TestHive, type TestPlace } from "../testing/hive.ts";

async function rotated(place: TestPlace, ...args: string[]): Promise<string> {
  const { code, out, err } = await place.skep(["key", "rotate", ...args, "--yes"]);
  assert.equal(code, 0, err);
  return out;
}

/** What the journal says about rotations. */
async function told(hive: TestHive): Promise<{ readonly [name: string]: unknown }[]> {
  const { journal } = hive.hive.kernel;
  const found: { [name: string]: unknown }[] = [];
  for await (const { events } of journal.records(0, journal.durable))
    for (const { t, d } of events) if (t === "kernel:key-rotated@1") found.push(d as never);
  return found;
}

const rootWith = async (hive: TestHive, ticket: string): Promise<number> => {
  const file = join(hive.dir, "ticket");
  writeFileSync(file, ticket);
  const { host, port } = hive.at["9p"] ?? {};
  const at = ["--9p", `${host}:${port}`, "--ticket", file, "--replace"];
  assert.equal((await hive.skep(["context", "add", "t", ...at])).code, 0);
  return (await hive.skep(["--context", "t", "ls", "/"])).code;
};

test("keys are not replaced under a running daemon, nor without a yes", async () => {
  await using hive = await startTestHive();
  const running = await hive.skep(["key", "rotate", "ticket", "--yes"]);
  assert.deepEqual(
    [running.code, /already up in it \(process \d+\)\n.*kill -TERM/.test(running.err)],
    [8, true],
  );
  await hive.stop();
  assert.equal((await hive.skep(["key", "rotate", "ticket"])).code, 2);
  assert.equal(existsSync(join(hive.home, "keys", "retired")), false);
});

test("tickets of a replaced root are let in until it is retired", async () => {
  await using first = await startTestHive();
  const mint = async () => (await first.skep(["ticket", "mint", "--role", "observer"])).out;
  const before = await mint();
  await first.stop();
  const old = hiveKeys(first.home).ticket.publicKey;
  assert.match(
    await rotated(first, "ticket"),
    new RegExp(`^Old ticket key {2}${old}\n(.*\n)*The next .skep up. `),
  );
  const kept = join(first.home, "keys", "retired", `ticket-${old}`);
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  const after = await mint();

  await using second = await startTestHive(first);
  assert.deepEqual([await rootWith(second, before), await rootWith(second, after)], [0, 0]);
  assert.deepEqual(
    (await told(second)).map(({ kind, old: was, retired }) => [kind, was, retired]),
    [["ticket", old, false]],
  );
  assert.equal(second.hive.kernel.slices.kernel.replaced.get(`ticket:${old}`)?.retired, 0);
  await second.stop();

  await rotated(first, "ticket", "--retire");
  await using third = await startTestHive(first);
  assert.deepEqual([await rootWith(third, before), await rootWith(third, after)], [4, 0]);
  assert.notEqual(third.hive.kernel.slices.kernel.replaced.get(`ticket:${old}`)?.retired, 0);
  assert.equal((await told(third)).length, 2);
});

test("who knows the old log key can believe the new one, by a note in the journal that both signed", async () => {
  await using first = await startTestHive();
  await first.stop();
  const { log, origin, hive: name } = hiveKeys(first.home);
  await rotated(first, "log");
  const now = hiveKeys(first.home);
  await using second = await startTestHive(first);
  assert.equal(now.hive, name);
  const verifiers = [log, now.log].map(({ publicKey }) =>
    createVerifier(origin, Buffer.from(publicKey, "hex")),
  );
  const checkpoint = Buffer.from(await second.hive.owner.read("/audit/checkpoint")).toString();
  const [was, is] = verifiers as [(typeof verifiers)[0], (typeof verifiers)[0]];
  assert.throws(() => openCheckpoint(checkpoint, { logs: [was] }));
  openCheckpoint(checkpoint, { logs: [is] });
  const [{ note } = { note: "" }] = await told(second);
  for (const verifier of verifiers) assert.equal(verifyNote(parseNote(String(note)), [verifier]).length, 1);
  assert.match(String(note), /^skep key rotation v1\nlog\nold /);
});

test("a rotation that a crash cut off is finished or dropped by the next start", async () => {
  await using first = await startTestHive();
  await first.stop();
  const keys = join(first.home, "keys");
  // Cut off before it was told: the new key was never used.
  const { identity } = hiveKeys(first.home);
  writeFileSync(join(keys, "identity.next"), Buffer.alloc(32, 5), { mode: 0o600 });
  // Cut off after: the old key is in its place again, as if the rename had not come.
  const before = readFileSync(join(keys, "log"));
  const { now } = rotateKey(first.home, "log");
  writeFileSync(join(keys, "log.next"), readFileSync(join(keys, "log")), { mode: 0o600 });
  writeFileSync(join(keys, "log"), before);
  await using second = await startTestHive(first);
  const after = hiveKeys(second.home);
  assert.deepEqual([after.identity.publicKey, after.log.publicKey], [identity.publicKey, now]);
  assert.deepEqual(
    readdirSync(keys).filter((name) => name.endsWith(".next")),
    [],
  );
});
