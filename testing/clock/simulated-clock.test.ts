import assert from "node:assert/strict";
import { test } from "node:test";
import { delay } from "@skep/clock";
import { simulatedClock } from "@skep/testing";

test("timers fire at their moment and in the order of their moments", () => {
  const clock = simulatedClock(7);
  const fired: [string, number][] = [];
  clock.after(30, () => fired.push(["c", clock.monotonic()]));
  clock.after(10, () => {
    fired.push(["a", clock.monotonic()]);
    clock.after(5, () => fired.push(["b", clock.monotonic()]));
  });
  clock.after(31, () => fired.push(["late", clock.monotonic()]));
  clock.advance(30);
  assert.deepEqual(fired, [
    ["a", 10],
    ["b", 15],
    ["c", 30],
  ]);
  assert.equal(clock.pending, 1);
});

test("a stopped timer never fires, and stopping twice is harmless", () => {
  const clock = simulatedClock();
  const timer = clock.after(1, () => assert.fail("fired"));
  timer.stop();
  timer.stop();
  clock.advance(10);
  assert.equal(clock.pending, 0);
});

test("a jump moves the wall clock and not monotonic time", () => {
  const clock = simulatedClock();
  const wall = clock.now();
  clock.advance(1000);
  clock.jump(-5000);
  assert.equal(clock.now(), wall - 4000);
  assert.equal(clock.monotonic(), 1000);
});

test("timers of one moment fire in an order that the seed determines", () => {
  const order = (seed: number) => {
    const clock = simulatedClock(seed);
    const fired: number[] = [];
    for (let at = 0; at < 8; at += 1) clock.after(5, () => fired.push(at));
    clock.advance(5);
    return fired.join("");
  };
  assert.equal(order(3), order(3));
  assert.equal(new Set([1, 2, 3, 4, 5].map(order)).size > 1, true);
});

test("advanceAsync lets a chain of delays run within the time it is given", async () => {
  const clock = simulatedClock();
  let steps = 0;
  const chain = (async () => {
    for (; steps < 5; steps += 1) await delay(clock, 10);
  })();
  await clock.advanceAsync(49);
  assert.equal(steps, 4);
  await clock.advanceAsync(1);
  await chain;
  assert.equal(steps, 5);
});
