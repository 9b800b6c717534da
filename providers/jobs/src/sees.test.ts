import assert from "node:assert/strict";
import { test } from "node:test";
import { rig } from "./rig.test.ts";

test("a worker that walked to its job reads nothing of it any more once the job has ended", async () => {
  await using hive = await rig();
  const worker = hive.join("w-a");
  const job = await hive.submit();
  const dir = await worker.find(`/jobs/${job}`);
  const names = ["spec", "status", "status.json", "why", "receipt", "stdin", "stdout", "stdout.follow"];
  const files = await Promise.all(names.map((name) => worker.find(`/jobs/${job}/${name}`)));
  assert.match(Buffer.from(await worker.read(`/jobs/${job}/spec`)).toString(), /module|abab/);
  await hive.done("w-a", job, "out\n");
  await assert.rejects(worker.find(`/jobs/${job}`), { code: "session.absent" });
  for (const [at, file] of files.entries())
    await assert.rejects(
      async () => {
        const handle = await worker.open(file, { read: true, write: false });
        await handle.read(0, 100);
      },
      { kind: "absent" },
      names[at],
    );
  await assert.rejects(
    async () => {
      const handle = await worker.open(await worker.walk(dir, "receipt"), { read: true, write: false });
      await handle.read(0, 100);
    },
    { kind: "absent" },
  );
});

test("jobs are listed by their numbers, whichever ended first", async () => {
  await using hive = await rig();
  hive.join("w-a", { slots: 2 });
  const jobs: string[] = [];
  for (let at = 0; at < 9; at += 1) jobs.push(await hive.submit());
  await hive.done("w-a", jobs[1] ?? "", "out\n");
  await hive.done("w-a", jobs[0] ?? "", "out\n");
  const listed = (await hive.owner.list(await hive.owner.find("/jobs"))).map(({ name }) => name);
  assert.deepEqual(
    listed.filter((name) => name !== "ctl"),
    jobs,
  );
});
