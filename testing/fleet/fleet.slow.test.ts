import assert from "node:assert/strict";
import { test } from "node:test";
import { runFleet, sleepADay } from "./fleet.ts";

const options = { seed: 11, workers: 60, jobs: 200, vanish: 0.3 };

test("a fleet of which machines vanish does all its jobs, and the same seed gives the same journal", async () => {
  const first = await runFleet(options);
  assert.deepEqual([first.attached >= 60, first.beats, first.done], [true, 60, 200]);
  assert.ok(first.vanished > 5 && first.placed > 200, `${first.vanished} vanished, ${first.placed} placed`);
  const second = await runFleet(options);
  assert.equal(second.digest, first.digest);
  const other = await runFleet({ ...options, seed: 12 });
  assert.notEqual(other.digest, first.digest);
});

test("the job of a machine that sleeps for a day is done by another within 60 s, and the machine works when it wakes", async () => {
  const { replaced, back, after } = await sleepADay(5);
  assert.ok(replaced < 60_000, `${replaced} ms`);
  assert.ok(back < 1000, `${back} ms`);
  assert.equal(after, 8);
});
