import assert from "node:assert/strict";
import { test } from "node:test";
import { fullAuthority, type Session } from "@skep/kernel";
import { startTestHive } from "../testing/hive.ts";

const asks = `@id("default") permit (principal, action, resource);
@id("two-eyes") @approvals("1") @by("ticket") forbid (principal, action == Action::"kill", resource);`;
const text = async (session: Session, path: string) => Buffer.from(await session.read(path)).toString();

test("an action tells why: the ticket, the rule, who approved, what it ran as; a record tells only whoever may read the log", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const { owner, kernel } = place.hive;
  await owner.append("/policy/ctl", { op: "apply", files: { "a.cedar": asks } });
  const spawned = await owner.append("/queen/ctl", { spawn: "heartbeat", ticks: 1 });
  const { id } = await owner.append("/queen/ctl", { kill: "worker-1" });
  const waiting = await text(owner, `/actions/${id}/why`);
  assert.match(waiting, new RegExp(`^/actions/${id} was last changed by record ${id}`));
  assert.match(waiting, /two-eyes/);
  const bob = kernel.attach({ ...fullAuthority("bob"), blocks: [{ id: "of-bob" }] }, "test");
  const approved = await bob.append("/actions/queue", { action: String(id), decision: "approve" });
  assert.equal(approved.verdict, "ok", approved.message);
  const status = async () =>
    JSON.parse(await text(owner, `/actions/${id}/status.json`)) as { record: number };
  for (let turn = 0; turn < 1000 && (await status()).record === null; turn += 1) await kernel.laterTurn();
  const { record } = await status();
  const ran = await text(owner, `/actions/${id}/why`);
  assert.match(ran, new RegExp(`last changed by record ${record}\\b`));
  assert.match(ran, /approval +approved by bob by ticket/);
  const asked = await text(owner, `/audit/why/${id}/chain`);
  assert.match(
    asked,
    new RegExp(`^record ${id}: kill at /queen/ctl by owner, waited, then ran as record ${record},`),
  );
  assert.deepEqual(
    [...asked.matchAll(/^ {2}(decision|approval) +(\w+)/gm)].map(([, part, word]) => `${part} ${word}`),
    ["decision waits", "approval approved", "decision accepted"],
  );
  await owner.append("/queen/ctl", { spawn: "heartbeat", ticks: 2 });
  const { id: other } = await owner.append("/queen/ctl", { kill: "worker-2" });
  await bob.append("/actions/queue", { action: String(other), decision: "reject", reason: "not today" });
  assert.match(await text(owner, `/audit/why/${other}/chain`), /^record \d+: .* waited, rejected by bob, /);
  const told = JSON.parse(await text(owner, `/actions/${id}/why.json`)) as {
    readonly why: { readonly seq: number; readonly proofs: Readonly<Record<string, string>> };
  };
  assert.equal(told.why.seq, record);
  assert.match(told.why.proofs[String(record)] ?? "", /^c2sp\.org\/tlog-proof/);
  assert.match(
    await text(owner, `/actions/${spawned.id}/why`),
    new RegExp(`^record ${spawned.id}: spawn at /queen/ctl`),
  );
  const narrow = kernel.attach(
    { ...fullAuthority("cat"), allows: (path) => (path.startsWith("/actions") ? { meters: [] } : undefined) },
    "test",
  );
  assert.match(await text(narrow, `/actions/${id}/why`), /approved by bob/);
  await assert.rejects(() => text(narrow, `/actions/${spawned.id}/why`), { kind: "absent" });
});
