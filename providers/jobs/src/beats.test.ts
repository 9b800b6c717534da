import assert from "node:assert/strict";
import { test } from "node:test";
import type { Session } from "@skep/kernel";
import { namedIn } from "./beats.ts";
import { type Rig, rig } from "./rig.test.ts";

const inbox = async (hive: Rig, worker: string): Promise<string> =>
  Buffer.from(await hive.kernel.rings.ring(`/worker/${worker}/inbox`).read(0, 65_536)).toString();

async function beat(session: Session, worker: string, named: string): Promise<void> {
  const handle = await session.open(await session.find(`/worker/${worker}/beat`), {
    read: false,
    write: true,
  });
  await handle.write(0, Buffer.from(`${named}\n`));
  await handle.close();
}

test("numbers of jobs are read from a beat, and nothing else", () => {
  assert.deepEqual(namedIn(Buffer.from("17 18.3\n19 x ../1 \0 1.99999\n")), ["17", "18.3", "19"]);
});

for (const seconds of [1, 60, 600])
  test(`a job of ${seconds} s makes two records, because a worker that beats renews nothing`, async () => {
    await using hive = await rig();
    const session = hive.join("w-a", { beats: true });
    const before = hive.kernel.journal.next;
    const job = await hive.submit();
    for (let at = 0; at < seconds; at += 5) {
      await hive.clock.advanceAsync(5000);
      await beat(session, "w-a", job);
      assert.deepEqual(hive.beats.silent(hive.kernel.time.now()), []);
    }
    await hive.done("w-a", job, "");
    assert.equal((await hive.status(job)).tries, 1);
    assert.equal(hive.kernel.journal.next - before, 2);
  });

test("a worker with work that is silent is told of, one without work is not, and its job goes with its session", async () => {
  await using hive = await rig();
  hive.join("w-a", { beats: true });
  hive.join("w-b", { beats: true });
  const job = await hive.submit();
  const holder = String((await hive.status(job)).worker);
  await hive.clock.advanceAsync(11_000);
  assert.deepEqual(hive.beats.silent(hive.kernel.time.now()), []);
  await hive.clock.advanceAsync(2000);
  assert.deepEqual(hive.beats.silent(hive.kernel.time.now()), [holder]);
  hive.leave(holder);
  await hive.clock.advanceAsync(14_000);
  assert.equal((await hive.status(job)).worker, holder);
  await hive.clock.advanceAsync(2000);
  const { worker, tries } = await hive.status(job);
  assert.deepEqual([worker === holder, tries], [false, 2]);
});

test("a beat that names a job which ended, or is another's now, is answered with its cancel, and no record is made", async () => {
  await using hive = await rig();
  const session = hive.join("w-a", { beats: true });
  const [ended, held] = [await hive.submit(), await hive.submit()];
  await hive.owner.append("/jobs/ctl", { op: "cancel", job: ended });
  await hive.done("w-a", ended, "");
  await hive.clock.advanceAsync(1);
  assert.equal((await hive.status(held)).state, "running");
  const [told, before] = [(await inbox(hive, "w-a")).length, hive.kernel.journal.next];
  await beat(session, "w-a", `${held} ${ended} 999`);
  assert.equal((await inbox(hive, "w-a")).slice(told), `{"cancel":"${ended}"}\n{"cancel":"999"}\n`);
  assert.equal(hive.kernel.journal.next, before);
});

test("nobody beats for another worker, nor before its hello", async () => {
  await using hive = await rig();
  hive.join("w-a", { beats: true });
  const other = hive.join("w-b", { beats: true });
  await assert.rejects(beat(other, "w-a", ""), { kind: "absent" });
});

test("whoever asks for it hears of every hello, once that is durable", async () => {
  await using hive = await rig();
  const heard: string[] = [];
  hive.beats.whenJoined((worker) => heard.push(worker));
  hive.join("a");
  await hive.submit();
  hive.join("a");
  hive.join("b");
  await hive.submit();
  assert.deepEqual(heard, ["a", "a", "b"]);
});
