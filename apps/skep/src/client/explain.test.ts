import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mintTicket } from "../access/tickets.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

async function context(name: string, ...mint: readonly string[]): Promise<string> {
  const minted = await hive.skep(["ticket", "mint", ...mint]);
  assert.equal(minted.code, 0, minted.err);
  return await addContext(name, minted.out);
}

async function addContext(name: string, ticket: string): Promise<string> {
  const file = join(hive.dir, `${name}.ticket`);
  writeFileSync(file, ticket, { mode: 0o600 });
  const { host, port } = hive.at["9p"] ?? { host: "", port: 0 };
  const added = await hive.skep(["context", "add", name, "--9p", `${host}:${port}`, "--ticket", file]);
  assert.equal(added.code, 0, added.err);
  return file;
}

const refusal = async (...argv: readonly string[]) => {
  const { code, out } = await hive.skep([...argv, "--json"]);
  return [code, JSON.parse(out).error as { code?: string; message?: string }] as const;
};

test("what the hive refuses is told with its code, its reason and a next step", async () => {
  await context("guest", "--role", "observer");
  const [exit, { code, message }] = await refusal("--context", "guest", "gc");
  assert.deepEqual([exit, code], [4, "session.write"]);
  assert.match(message ?? "", /Cannot write here with this ticket: "\/cas\/ctl"/);
  const [, read] = await refusal("echo", "hello", "/kmesg");
  assert.equal(read.code, "session.notWritable");
  const long = await hive.skep(["echo", "x".repeat(20_000), "/queen/ctl"]);
  assert.equal(long.code, 2);
  assert.match(long.err, /^skep: Cannot .*long/);
});

test("what is not there keeps the path that was asked for, at the first step too", async () => {
  const [exit, { code, message }] = await refusal("ls", "/nope");
  assert.deepEqual([exit, code, message], [3, "session.absent", 'Cannot walk to "/nope": no entry "nope"']);
  const [, deep] = await refusal("cat", "/jobs/nothing");
  assert.deepEqual(
    [deep.code, deep.message],
    ["session.absent", 'Cannot walk to "/jobs/nothing": no entry "nothing"'],
  );
});

test("a ticket that may not read the reason gets the errno and what to look at", async () => {
  await context("narrow", "--role", "observer", "--right", "/cas:read");
  const { err, code } = await hive.skep(["--context", "narrow", "gc"]);
  assert.equal(code, 4);
  assert.match(err, /\/cas\/ctl.*EACCES[\s\S]*ticket show/);
});

test("an expired ticket and a revoked one are told apart", async () => {
  const file = await context("gone", "--role", "observer");
  assert.equal((await hive.skep(["--context", "gone", "ls", "/"])).code, 0);
  assert.equal((await hive.skep(["ticket", "revoke", file])).code, 0);
  const [exit, revoked] = await refusal("--context", "gone", "ls", "/");
  assert.deepEqual([exit, revoked.code], [4, "client.ticket"]);
  const past = Date.now() - 3_600_000;
  const claims = { role: "observer", subject: "old", expiresAt: past + 60_000 } as const;
  await addContext("old", `${await mintTicket(hive.home, past, { ...claims, budgets: undefined })}\n`);
  const [, expired] = await refusal("--context", "old", "ls", "/");
  assert.equal(expired.code, "client.expired");
  assert.match(expired.message ?? "", /Cannot attach: the ticket expired at: "20/);
});
