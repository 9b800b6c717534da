// A hive whose gate is gone, against an agent that verifies by itself; ssh-keygen signs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import type { Emitted, Json, Session } from "@skep/kernel";
import { Keys, withoutKeygen as skip } from "../matrix/keys.ts";
import { forge, pin, sha256, statementFor, store } from "../testing/forged.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const keys = new Keys();
after(() => keys[Symbol.dispose]());
const ann = skip ? "" : keys.make("ann");
if (!skip) keys.make("eve");
const sign = (name: string, statement: string): string => keys.sign(name, statement);

interface Place extends TestHive {
  readonly owner: Session;
  /** Stores bytes as an output that retention may let go. */
  store(text: string): Promise<string>;
  there(digest: string): Promise<boolean>;
}

async function hive(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Place> {
  const place = await startTestHive(undefined, { SKEP_RETENTION_OUTPUTS_AGE: "0s", ...more });
  t.after(() => place[Symbol.asyncDispose]());
  const { owner, storage } = place.hive;
  pin(place.home, ann);
  const there = async (digest: string): Promise<boolean> => (await storage.blobs.size(digest)) !== undefined;
  return { ...place, owner, store: (text) => store(place.hive, text), there };
}

/** What a daemon without its gate would do: let blobs go, in the name of whatever action it likes. */
async function patched(place: Place, digests: readonly string[], approved?: string): Promise<string> {
  const { kernel } = place.hive;
  const seq = kernel.journal.next;
  const record = kernel.journal.record.bind(kernel.journal);
  // Its journal says what it wants it to say.
  kernel.journal.record = async (at) => {
    const found = await record(at);
    return at === seq && approved !== undefined ? { ...found, approved } : found;
  };
  const effects = digests.map((digest) => ({ kind: "unlink", args: { digest } }));
  const events: Emitted[] = [{ type: "dropped@1", data: { digests: [...digests] } }];
  kernel.system("cas", "/cas/ctl", { op: "gc" }, () => ({ events, effects }));
  for (let at = seq + 1; ; at += 1) {
    while (kernel.journal.next <= at) await new Promise((resolve) => setImmediate(resolve));
    await kernel.settled();
    const { outcome, result } = (await record(at)) as { outcome?: string; result?: Json } & { command: Json };
    if (outcome?.startsWith(`${seq}.`))
      return JSON.stringify({ result, command: (await record(at)).command });
  }
}

test("a hive without its gate cannot make the agent remove anything: unsigned, or what was not signed for", {
  skip,
}, async (t) => {
  const place = await hive(t);
  const digest = await place.store("precious");
  assert.match(await patched(place, [digest]), /agent\.unsigned/);
  const cases: [string, string, string][] = [
    ["statement.unknown-signer", "eve", statementFor(place.hive, [digest])],
    ["statement.wrong-hive", "ann", statementFor(place.hive, [digest], { hive: "another" })],
    ["statement.wrong-act", "ann", statementFor(place.hive, [digest], { act: "cas.look" })],
    ["statement.wrong-target", "ann", statementFor(place.hive, [digest], { target: "/cas/other" })],
    ["statement.changed-target", "ann", statementFor(place.hive, [sha256("something else")])],
    ["statement.wrong-parameters", "ann", statementFor(place.hive, [digest], { parameters: { all: true } })],
    ["statement.wrong-role", "ann", statementFor(place.hive, [digest], { role: "recovery" })],
    ["statement.expired", "ann", statementFor(place.hive, [digest], { notBefore: 1, notAfter: 2 })],
    [
      "statement.not-yet-valid",
      "ann",
      statementFor(place.hive, [digest], { notBefore: 4e9, notAfter: 4e9 + 1 }),
    ],
  ];
  for (const [code, name, statement] of cases) {
    const id = String(place.hive.kernel.journal.next);
    forge(place.hive, id, statement, sign(name, statement));
    assert.match(await patched(place, [digest], id), new RegExp(code), code);
    assert.equal(await place.there(digest), true, code);
  }
  const statement = statementFor(place.hive, [digest], { action: "9" });
  const signature = sign("ann", statement);
  const id = String(place.hive.kernel.journal.next);
  forge(place.hive, id, statement, signature);
  await patched(place, [digest], id);
  assert.equal(await place.there(digest), false);
  const again = await place.store("precious");
  assert.match(await patched(place, [again], id), /statement\.replayed/);
  assert.equal(await place.there(again), true);
  assert.match(readFileSync(join(place.home, "agent", "burnt"), "utf8"), /^[0-9a-f]{64} \S+\n$/);
});

test("a key that is revoked with the agent counts no more, whatever the hive says", { skip }, async (t) => {
  const place = await hive(t);
  const digest = await place.store("precious");
  writeFileSync(join(place.home, "agent", "revoked"), `${ann.split(" ").slice(0, 2).join(" ")}\n`);
  const statement = statementFor(place.hive, [digest]);
  const id = String(place.hive.kernel.journal.next);
  forge(place.hive, id, statement, sign("ann", statement));
  assert.match(await patched(place, [digest], id), /statement\.revoked/);
  assert.equal(await place.there(digest), true);
});

test("what is older than the operator pinned goes unsigned, and nothing younger", { skip }, async (t) => {
  const place = await hive(t);
  writeFileSync(join(place.home, "agent", "sweep-after"), "3600\n");
  const digest = await place.store("old");
  assert.match(await patched(place, [digest]), /agent\.unsigned/);
  const path = join(place.home, "blobs", digest.slice(0, 2), digest.slice(2, 4), digest);
  execFileSync("touch", ["-d", "2 hours ago", path]);
  await patched(place, [digest]);
  assert.equal(await place.there(digest), false);
});
