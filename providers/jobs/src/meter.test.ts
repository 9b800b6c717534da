import assert from "node:assert/strict";
import { test } from "node:test";
import { micro } from "./replicate-meter.ts";

test("work is worth its time or its memory, whichever is more, in whole millionths of an NCU", () => {
  const hour = 3_600_000;
  const gib = 1024 ** 3;
  const worth = [
    [hour, 0],
    [hour, gib],
    [hour, 4 * gib],
    [0, gib],
  ].map(([ms = 0, bytes = 0]) => micro({ ms, bytes }));
  assert.deepEqual(worth, [100_000, 100_000, 400_000, 1]);
});
