import assert from "node:assert/strict";
import { test } from "node:test";
import { Latencies, percentileOf } from "./latencies.ts";

test("percentiles over the buckets of several crowds are those of all their times", () => {
  const [one, other] = [new Latencies(), new Latencies()];
  for (let ms = 0; ms < 100; ms += 1) one.add(ms + 0.05);
  for (let ms = 0; ms < 900; ms += 1) other.add(ms / 100);
  other.add(2345);
  const buckets = [...one.buckets, ...other.buckets];
  assert.equal(one.count + other.count, 1001);
  assert.ok(percentileOf(buckets, 50) <= 5.1);
  assert.ok(percentileOf(buckets, 99) > 89 && percentileOf(buckets, 99) < 92);
  assert.equal(percentileOf(buckets, 100), 2350);
  assert.deepEqual([one.max, other.max], [99.05, 2345]);
  assert.ok(Number.isNaN(percentileOf([], 99)));
});
