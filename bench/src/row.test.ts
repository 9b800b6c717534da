import assert from "node:assert/strict";
import test from "node:test";
import { type Measured, median, rowOf } from "./row.ts";
import { tableOf } from "./table.ts";

const base = { name: "x", unit: "/s", runs: [3, 1, 2] };

test("the median is the middle value, or the mean of the two in the middle", () => {
  assert.equal(median([5, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test("a goal is met from its good side, and a ratio counts beside it", () => {
  const cases: [Partial<Measured>, boolean | null][] = [
    [{}, null],
    [{ goal: { least: 2 } }, true],
    [{ goal: { least: 3 } }, false],
    [{ goal: { most: 2 } }, true],
    [{ goal: { most: 1 } }, false],
    [{ goal: { least: 2 }, peer: "diod", peerRuns: [1], leastRatio: 2 }, true],
    [{ goal: { least: 2 }, peer: "diod", peerRuns: [2], leastRatio: 2 }, false],
    [{ goal: { least: 2 }, peer: "the original" }, true],
  ];
  for (const [more, met] of cases)
    assert.equal(rowOf({ ...base, ...more }, "m").met, met, JSON.stringify(more));
});

test("the table names the machine once and shows what a row has", () => {
  const row = rowOf({ ...base, goal: { least: 5 }, peer: "diod", peerRuns: [4] }, "a machine");
  const [machine, , line] = tableOf([row]).split("\n");
  assert.equal(machine, "a machine");
  assert.match(line ?? "", /^x +2 +\/s +1\.\.3 +5 +NO +diod 4 +0\.5x$/);
});
