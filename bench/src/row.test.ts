import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
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

test("every bench stands in docs/benchmarks.md, and what has to be named to run says so", () => {
  const page = readFileSync(new URL("../../docs/benchmarks.md", import.meta.url), "utf8");
  const rows = globSync("rows/*.ts", { cwd: import.meta.dirname }).map((file) =>
    readFileSync(join(import.meta.dirname, file), "utf8"),
  );
  // Read and not imported: all that a bench needs takes seconds to load.
  const benches = rows.flatMap((text) => [
    ...text.matchAll(/: Bench = \{\n {2}name: "([a-z-]+)",\n( {2}extra: true,\n)?/g),
  ]);
  assert.ok(benches.length > 20, String(benches.length));
  for (const [, name = "", extra] of benches) {
    const line = page.split("\n").find((each) => each.startsWith("| `") && each.includes(`\`${name}\``));
    assert.equal(line?.includes("only when named"), extra !== undefined, name);
  }
});
