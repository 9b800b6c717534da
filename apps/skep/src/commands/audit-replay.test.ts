import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { JournalRecord } from "@skep/kernel";
import { encodeRecord } from "@skep/kernel";
import { connect, homeTarget } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";
import { foldedMounts } from "../hive/folded.ts";
import { chanceOf, hiveKeys } from "../hive/keys.ts";
import { replayLog } from "../proof/replay.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { version } from "../version.ts";

let hive: TestHive;
let records: JournalRecord[];

const rules = `@id("default") permit (principal, action, resource);
@id("kill") @approvals("1") @by("ticket") @ttl("1h") forbid (principal, action == Action::"kill", resource);
@id("never") forbid (principal, action == Action::"revoke", resource);
`;

async function settled(): Promise<JournalRecord[]> {
  const { out } = await hive.skep(["audit", "cat"]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JournalRecord);
}

before(async () => {
  hive = await startTestHive();
  const echo = (line: object, path: string) => hive.skep(["echo", JSON.stringify(line), path]);
  for (let at = 0; at < 3; at += 1) await echo({ spawn: "heartbeat", ticks: 9 }, "/queen/ctl");
  await echo({ spawn: "heartbeat", ticks: 9, $key: "k1", $reason: "because" }, "/queen/ctl");
  await echo({ spawn: "heartbeat", ticks: 9, $key: "k1", $reason: "because" }, "/queen/ctl");
  await echo({ kill: "worker-1" }, "/queen/ctl");
  await echo({ kill: "worker-99" }, "/queen/ctl");
  await echo({ invite: {} }, "/net/ctl");
  const dir = join(hive.dir, "rules");
  mkdirSync(dir);
  writeFileSync(join(dir, "a.cedar"), rules);
  await hive.skep(["policy", "apply", dir]);
  await echo({ revoke: "ab".repeat(32) }, "/queen/ctl");
  const { ticket } = JSON.parse(
    (await hive.skep(["ticket", "mint", "--subject", "bea", "--role", "queen", "--ops", "9", "--json"])).out,
  );
  const { place } = homeTarget(hive.home, hive.env);
  await using client = await connect({ place, aname: ticket, name: "bea" });
  const signal = AbortSignal.timeout(10_000);
  await appendLine(client, "/queen/ctl", ' {"spawn": "heartbeat","ticks":3}', signal);
  await appendLine(client, "/queen/ctl", '{"kill": "worker-2","$reason":"old"}', signal).catch(
    () => undefined,
  );
  const [id = ""] = JSON.parse((await hive.skep(["approvals", "--json"])).out).map(
    ({ id }: { id: string }) => id,
  );
  await hive.skep(["approve", id, "--yes"]);
  for (let left = 200; left > 0; left -= 1) {
    const all = await settled();
    const ran = all.some(({ approved }) => approved === id);
    if (ran && all.filter(({ verdict }) => (verdict.count ?? 0) > 0).length >= 2) break;
  }
  await hive.stop();
  records = await settled();
});
after(() => hive[Symbol.asyncDispose]());

const options = () => ({
  providers: foldedMounts(hive.home, undefined),
  version,
  chance: chanceOf(hive.home, hiveKeys(hive.home).origin),
});

function replay(of: readonly JournalRecord[], from = 0, to = of.length) {
  async function* read(first: number, end: number) {
    for (const record of of.slice(first, end)) yield encodeRecord(record);
  }
  return replayLog(read, { from, to }, options());
}

const changed = (at: number, changes: Partial<JournalRecord>): JournalRecord[] =>
  records.map((record) => (record.seq === at ? { ...record, ...changes } : record));

const find = (wanted: (record: JournalRecord) => boolean): JournalRecord => {
  const found = records.find(wanted);
  assert.ok(found);
  return found;
};

test("a journal is judged again to the same verdicts, events and state, twice", async () => {
  const first = JSON.parse((await hive.skep(["audit", "replay", "--json"])).out);
  const second = JSON.parse((await hive.skep(["audit", "replay", "--json"])).out);
  assert.deepEqual(first.difference, undefined);
  assert.deepEqual(second, first);
  assert.equal(first.match, true);
  const kinds = Object.keys(first.taken);
  const known = /of the system|judged at its place|no command/;
  assert.deepEqual(
    kinds.filter((kind) => !known.test(kind)),
    [],
  );
  assert.ok(first.same >= 12, JSON.stringify(first));
  const part = await replay(records, 5, 9);
  assert.equal(part.difference, undefined);
});

test("a verdict that was flipped to refused is found at its record", async () => {
  const { seq } = find(({ path, verdict }) => path === "/queen/ctl" && verdict.ok);
  const verdict = { ok: false, kind: "denied", code: "queen.no", message: "no" };
  const { difference } = await replay(changed(seq, { verdict, events: [] }));
  assert.deepEqual([difference?.seq, difference?.what], [seq, "verdict"]);
});

test("a refusal that was flipped to accepted, or to another reason, is found", async () => {
  const { seq } = find(({ verdict }) => verdict.code === "policy.denied");
  const { judged: _, ...refused } = records[seq] as JournalRecord;
  const accepted = records.map((record) =>
    record.seq === seq ? { ...refused, verdict: { ok: true } } : record,
  );
  assert.equal((await replay(accepted)).difference?.seq, seq);
  const verdict = { ...refused.verdict, code: "queen.worker" };
  assert.deepEqual((await replay(changed(seq, { verdict }))).difference?.what, "verdict");
});

test("one changed event is found, also one of an approval or a nonce", async () => {
  for (const type of [
    "queen:spawned@1",
    "policy:approved@1",
    "policy:ran@1",
    "kernel:charged@1",
    "policy:asked@1",
  ]) {
    const { seq, events } = find((record) => record.events.some(({ t }) => t === type));
    const forged = events.map((event) =>
      event.t === type ? { t: type, d: { ...(event.d as object), extra: 1 } } : event,
    );
    const { difference } = await replay(changed(seq, { events: forged }));
    assert.equal(difference?.seq, seq, type);
    assert.match(difference?.what ?? "", /^event \d+$/, type);
  }
});

test("two records in another order are found", async () => {
  const spawns = records.filter(({ events }) => events.some(({ t }) => t === "queen:spawned@1"));
  const [one, other] = spawns as [JournalRecord, JournalRecord];
  const place = ({ seq, time }: JournalRecord) => ({ seq, time });
  const swapped = records.map((record) =>
    record.seq === one.seq
      ? { ...other, ...place(one) }
      : record.seq === other.seq
        ? { ...one, ...place(other) }
        : record,
  );
  const { difference } = await replay(swapped);
  assert.equal(difference?.seq, one.seq);
});

test("a rule that is said to have decided and did not is found", async () => {
  const { seq } = find(({ policy, verdict }) => policy.startsWith("v1") && verdict.ok);
  assert.equal((await replay(changed(seq, { policy: "v1 never" }))).difference?.what, "policy");
});
