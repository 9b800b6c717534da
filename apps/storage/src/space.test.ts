import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { judgeSpace, openReserve, watchSpace } from "@skep/storage";
import { simulatedClock } from "@skep/testing";

const root = mkdtempSync(join(tmpdir(), "skep-space-"));
after(() => rmSync(root, { recursive: true, force: true }));
const gibibyte = 1024 ** 3;

test("a reserve takes real blocks, gives them back and takes them again", async () => {
  const path = join(root, "a", "reserve");
  const size = 3_000_000;
  const reserve = await openReserve(path, size);
  assert.deepEqual([reserve.size, reserve.held, statSync(path).size], [size, size, size]);
  assert.equal(statSync(path).blocks * 512 >= size, true);
  await reserve.release();
  await reserve.release();
  assert.equal(reserve.held, 0);
  assert.throws(() => statSync(path), { code: "ENOENT" });
  assert.equal(await reserve.refill(), true);
  assert.equal(await reserve.refill(), true);
  assert.equal(statSync(path).size, size);
});

test("a reserve that is there is kept, and one of another size is made anew", async () => {
  const path = join(root, "b");
  await openReserve(path, 1_000_000);
  const before = statSync(path).mtimeMs;
  assert.equal((await openReserve(path, 1_000_000)).held, 1_000_000);
  assert.equal(statSync(path).mtimeMs, before);
  await openReserve(path, 2_000_000);
  assert.equal(statSync(path).size, 2_000_000);
});

test("a reserve larger than half of what is free is not taken", async () => {
  const reserve = await openReserve(join(root, "c"), 2 ** 60);
  assert.equal(reserve.held, 0);
  assert.equal(await reserve.refill(), false);
  assert.throws(() => statSync(join(root, "c")), { code: "ENOENT" });
});

test("levels change at 10 %, at 5 % and at 16 MiB", () => {
  const level = (free: number, total = 100 * gibibyte) => judgeSpace({ free, total }).level;
  assert.equal(level(10 * gibibyte), "ok");
  assert.equal(level(10 * gibibyte - 1), "low");
  assert.equal(level(5 * gibibyte), "low");
  assert.equal(level(5 * gibibyte - 1), "tight");
  assert.equal(level(16 * 1024 * 1024), "tight");
  assert.equal(level(16 * 1024 * 1024 - 1), "full");
  assert.equal(level(0, 0), "full");
});

test("levels are where they are asked for, and a small file system is full at 2 %", () => {
  const levels = { low: 0.5, tight: 0.3 };
  const level = (free: number, total: number) => judgeSpace({ free, total }, levels).level;
  assert.deepEqual(
    [0.5, 0.49, 0.3, 0.29].map((share) => level(share * gibibyte, gibibyte)),
    ["ok", "low", "low", "tight"],
  );
  const small = 40 * 1024 * 1024;
  assert.deepEqual([level(small / 50, small), level(small / 50 - 1, small)], ["tight", "full"]);
  assert.deepEqual([level(-1, small), judgeSpace({ free: -1, total: small }).freeBytes], ["full", 0]);
});

test("what the program wrote since the last poll is not free", async () => {
  const total = 100 * gibibyte;
  let written = 7;
  const watch = watchSpace({
    space: async () => ({ free: 10 * gibibyte, total }),
    clock: simulatedClock(),
    used: () => written,
  });
  await watch.poll();
  assert.equal(watch.now?.level, "ok");
  written += 1;
  assert.equal(watch.now?.level, "low");
  written += 6 * gibibyte;
  assert.deepEqual([watch.now?.level, watch.now?.freeBytes], ["tight", 4 * gibibyte - 1]);
  assert.equal((await watch.poll()).level, "ok");
  watch.stop();
});

test("a watch polls by its clock, tells changes once, survives a failed poll and ends", async () => {
  const clock = simulatedClock();
  const total = 100 * gibibyte;
  let free = 50 * gibibyte;
  let polls = 0;
  const told: string[] = [];
  const watch = watchSpace({
    space: async () => {
      polls += 1;
      if (polls === 3) throw new Error("EIO");
      return { free, total };
    },
    clock,
    every: 1000,
    changed: ({ level }) => told.push(level),
  });
  const now = () => watch.now;
  assert.equal(now(), undefined);
  await clock.advanceAsync(1500);
  assert.deepEqual([polls, told, now()?.freeRatio], [2, ["ok"], 0.5]);
  free = 4 * gibibyte;
  await clock.advanceAsync(1000);
  assert.equal(now()?.level, "ok");
  await clock.advanceAsync(1000);
  assert.deepEqual(told, ["ok", "tight"]);
  free = 9 * gibibyte;
  assert.deepEqual(await watch.poll(), { freeBytes: free, freeRatio: 0.09, level: "low" });
  assert.deepEqual(told, ["ok", "tight", "low"]);
  watch.stop();
  await clock.advanceAsync(10_000);
  assert.deepEqual([polls, clock.pending], [5, 0]);
});
