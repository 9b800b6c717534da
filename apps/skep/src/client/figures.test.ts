import assert from "node:assert/strict";
import { test } from "node:test";
import type { Family } from "@skep/provider-metrics";
import { topRows } from "./figures.ts";

const families = (reads: number, counts: readonly number[]): Family[] => [
  { name: "skep_reads_total", help: "", kind: "counter", samples: [{ value: reads }] },
  { name: "skep_sessions", help: "", kind: "gauge", samples: [{ labels: { edge: "9p" }, value: 2 }] },
  {
    name: "skep_http_request_duration_seconds",
    help: "",
    kind: "histogram",
    histogram: { bounds: [0.001, 0.01], counts, sum: 0 },
  },
];

test("rates are of the time between two moments, and quantiles of what was counted in it", () => {
  const before = { at: 1000, families: families(10, [1000, 0, 0]) };
  const now = { at: 3000, families: families(30, [1001, 99, 0]) };
  const told = Object.fromEntries(topRows(now, before).map(({ name, value }) => [name, value]));
  assert.equal(told.reads, "10.0/s");
  assert.equal(told.sessions, "9p 2");
  assert.equal(told.HTTP, "0.0/s, p99 ≤ 10.0 ms");
  assert.equal(topRows(before, undefined).find(({ name }) => name === "reads")?.value, "–");
});
