import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import { pace } from "./pace.ts";

test("a second's worth passes at once, all that follows waits for its share", async () => {
  const clock = simulatedClock(0);
  const wait = pace(1000, clock);
  await wait(1000);
  const passed: number[] = [];
  const began = clock.monotonic();
  const both = [wait(500), wait(500)].map((each) => each.then(() => passed.push(clock.monotonic() - began)));
  const after = async (ms: number) => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await after(499);
  assert.deepEqual(passed, []);
  await after(1);
  await after(500);
  await Promise.all(both);
  assert.deepEqual(passed, [500, 1000]);
});
