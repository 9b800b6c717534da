import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jobOf } from "../state/model.ts";
import { marksOf, scheduleOf } from "./schedule.ts";

const job = (id: string, submitted: number, started = 0, ended = 0, worker = "w-1") =>
  jobOf(id, {
    state: ended > 0 ? "done" : started > 0 ? "leased" : "queued",
    worker: started > 0 ? worker : "",
    submitted_ms: submitted,
    started_ms: started,
    ended_ms: ended,
  });

test("a job waits in the queue, runs on its machine, and lasts until now while it is not ended", () => {
  const { lanes } = scheduleOf([job("1", 100, 300), job("2", 400)], ["w-1", "w-2"], 1000, 1000);
  assert.deepEqual(
    lanes.map(({ id, bars }) => [id, bars.map((bar) => [bar.job.id, bar.from, bar.to])]),
    [
      [
        "",
        [
          ["1", 0.1, 0.3],
          ["2", 0.4, 1],
        ],
      ],
      ["w-1", [["1", 0.3, 1]]],
      ["w-2", []],
    ],
  );
});

test("what ended before the span is not shown, and what began before it begins at its edge", () => {
  const { lanes } = scheduleOf([job("1", 10, 20, 30), job("2", 10, 20, 600)], ["w-1"], 1000, 500);
  assert.deepEqual(
    lanes[1]?.bars.map((bar) => [bar.job.id, bar.from, bar.to]),
    [["2", 0, 0.2]],
  );
});

test("a machine that left still has a lane for what ran there", () => {
  const { lanes } = scheduleOf([job("1", 10, 20, 900, "gone")], [], 1000, 1000);
  assert.deepEqual(
    lanes.map(({ id }) => id),
    ["", "gone"],
  );
});

test("no two bars of one row overlap, whatever runs at once", () => {
  const times = fc.record({ from: fc.nat(900), for: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(times, { maxLength: 60 }), (all) => {
      const jobs = all.map((one, at) => job(String(at), one.from + 1, one.from + 1, one.from + 2 + one.for));
      const lane = scheduleOf(jobs, ["w-1"], 1400, 1400).lanes[1];
      for (const one of lane?.bars ?? [])
        for (const other of lane?.bars ?? [])
          if (one !== other && one.row === other.row)
            assert.ok(one.to <= other.from || other.to <= one.from || one.from === one.to);
      assert.ok((lane?.bars ?? []).every(({ row }) => row < (lane?.rows ?? 0)));
    }),
    { numRuns: 50 },
  );
});

test("marks stand at round moments, and never more than were asked for", () => {
  assert.deepEqual(
    marksOf({ from: 61_500, to: 121_500 }),
    [70_000, 80_000, 90_000, 100_000, 110_000, 120_000],
  );
  for (const span of [1000, 60_000, 3_600_000, 86_400_000, 604_800_000])
    assert.ok(marksOf({ from: 12_345, to: 12_345 + span }, 7).length <= 8, String(span));
});
