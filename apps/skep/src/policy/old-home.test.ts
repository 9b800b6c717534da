import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { fullAuthority, Kernel } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import { realClock } from "../clock.ts";
import { foldedMounts } from "../hive/folded.ts";
import { chanceOf, hiveKeys } from "../hive/keys.ts";
import { places } from "../hive/storage.ts";
import { makeTestPlace, startTestHive, type TestPlace } from "../testing/hive.ts";

/** A home as a program left it that kept retention in its configuration alone: nothing in its journal tells of any. */
async function oldHome(place: TestPlace): Promise<void> {
  await (await startTestHive(place)).stop();
  const { home } = place;
  rmSync(places.files(home), { recursive: true });
  for (const end of ["", "-wal", "-shm"]) rmSync(`${places.index(home)}${end}`, { force: true });
  const keys = hiveKeys(home);
  const kernel = await Kernel.open({
    files: openFiles(places.files(home)),
    providers: foldedMounts(home, undefined),
    version: "0.0.9",
    clock: realClock,
    defer: setImmediate,
    fatal: (error) => assert.fail(String(error)),
    chance: chanceOf(home, keys.origin),
    born: () => ({ id: keys.hive, name: keys.hive }),
  });
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const files = { "a.cedar": "permit (principal, action, resource);" };
  assert.equal((await owner.append("/policy/ctl", { op: "apply", files })).verdict, "ok");
  assert.equal((await owner.append("/queen/ctl", { spawn: "heartbeat", ticks: 1 })).verdict, "ok");
  await kernel.close();
}

const retentionOf = async ({ hive }: Awaited<ReturnType<typeof startTestHive>>): Promise<string> =>
  Buffer.from(await hive.owner.read("/policy/retention")).toString();
const given = async ({ hive }: Awaited<ReturnType<typeof startTestHive>>): Promise<number> => {
  let count = 0;
  for (let seq = 0; seq < hive.kernel.journal.durable; seq += 1)
    count += (await hive.kernel.journal.record(seq)).events.filter(
      ({ t }) => t === "policy:retained@1",
    ).length;
  return count;
};

test("a home of an older program takes retention from its configuration once, as a record, and keeps its rules", async (t) => {
  const place = makeTestPlace();
  t.after(() => place[Symbol.asyncDispose]());
  await oldHome(place);
  const env = { SKEP_RETENTION_OUTPUTS_AGE: "3d", SKEP_RETENTION_ENDED_JOBS_AGE: "5d" };
  const first = await startTestHive(place, env);
  const told = await retentionOf(first);
  assert.match(told, /^outputs_age_ms=259200000\n/);
  assert.match(told, /^ended_jobs_age_ms=432000000$/m);
  assert.equal(await given(first), 1);
  assert.match(Buffer.from(await first.hive.owner.read("/policy/rules")).toString(), /^version=1\n/);
  await first.stop();
  const later = await startTestHive(place, { SKEP_RETENTION_OUTPUTS_AGE: "9d" });
  t.after(() => later.stop());
  assert.equal(await retentionOf(later), told);
  assert.equal(await given(later), 1);
  const answer = await later.hive.owner.append("/policy/ctl", {
    op: "retention",
    outputs_age_ms: 1,
    outputs_size: 2,
    ended_jobs_age_ms: 3,
  });
  const undo = JSON.parse(Buffer.from(await later.hive.owner.read(`/actions/${answer.id}/undo`)).toString());
  assert.equal((await later.hive.owner.append(undo.path, undo.command)).verdict, "ok");
  assert.equal((await retentionOf(later)).replace(/by=.*\n/, ""), told.replace(/by=.*\n/, ""));
});
