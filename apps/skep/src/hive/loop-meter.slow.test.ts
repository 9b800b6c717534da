import assert from "node:assert/strict";
import { test } from "node:test";
import { LoopMeter } from "./loop-meter.ts";

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Keeps the loop's thread at work for milliseconds of its own processor time. */
function work(ms: number): void {
  const used = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const until = used() + ms;
  while (used() < until);
}

/** Holds the loop without work, as other programs do that have the processor. */
const hold = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test("what held the loop is told until the hive serves, and then begins anew", async () => {
  const meter = new LoopMeter();
  try {
    while (meter.figures.samples === 0) await turn();
    hold(200);
    while (meter.figures.max < 150) await turn();
    const { max, recentMax } = meter.figures;
    assert.ok(recentMax <= max && recentMax >= 150, `${recentMax} of ${max}`);
    meter.reset();
    assert.deepEqual(meter.figures, { samples: 0, p50: 0, p99: 0, max: 0, recentMax: 0, recentOwn: 0 });
  } finally {
    meter.stop();
  }
});

test("of a busy loop the work of its own thread is told apart from its waits", async () => {
  const meter = new LoopMeter();
  try {
    // It is looked at as a busy one after a second at most.
    while (meter.figures.recentOwn === 0) {
      work(8);
      await turn();
    }
    meter.reset();
    while (meter.figures.samples === 0) await turn();
    hold(400);
    while (meter.figures.recentMax < 300) await turn();
    assert.ok(meter.figures.recentOwn < 150, String(meter.figures.recentOwn));
    work(250);
    while (meter.figures.recentOwn < 200) await turn();
    assert.ok(meter.figures.max >= meter.figures.recentOwn);
  } finally {
    meter.stop();
  }
});
