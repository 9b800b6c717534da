import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration, parseSize } from "./mod.ts";

const value = (read: { ok: boolean; value?: number }) => (read.ok ? read.value : undefined);

test("durations need a unit and may have several", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["250ms", 250],
    ["1.5s", 1500],
    ["1h30m", 5_400_000],
    ["30d", 2_592_000_000],
    ["30", undefined],
    ["", undefined],
    ["-1s", undefined],
    ["1 s", undefined],
    ["99999999999999999d", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(value(parseDuration(text)), expected, text);
});

test("sizes count KB in thousands and K or KiB in 1,024", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["65536", 65_536],
    ["64KiB", 65_536],
    ["64k", 65_536],
    ["10GB", 10_000_000_000],
    ["1.5 MiB", 1_572_864],
    ["x", undefined],
    ["1XB", undefined],
    ["-1", undefined],
    ["9999999TiB", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(value(parseSize(text)), expected, text);
});
