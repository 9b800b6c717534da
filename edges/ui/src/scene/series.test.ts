import assert from "node:assert/strict";
import { test } from "node:test";
import { familiesOf, groupsOf, Meters, numbersOf, Track } from "./series.ts";

const metrics = (reads: number, busy: number) => `# HELP skep_reads_total Reads since the start
# TYPE skep_reads_total counter
skep_reads_total ${reads}
# HELP skep_sessions Sessions that are attached, by edge
# TYPE skep_sessions gauge
skep_sessions{edge="http"} ${busy}
skep_sessions{edge="9p"} 3
# TYPE skep_took_seconds histogram
skep_took_seconds_bucket{le="0.1"} 2
`;

test("metrics are read by family with their words, and a histogram's buckets are none", () => {
  const families = familiesOf(metrics(7, 1));
  assert.deepEqual(
    families.map(({ name, doc, isCounter, values }) => [name, doc, isCounter, [...values]]),
    [
      ["skep_reads_total", "Reads since the start", true, [["", 7]]],
      [
        "skep_sessions",
        "Sessions that are attached, by edge",
        false,
        [
          ["edge=http", 1],
          ["edge=9p", 3],
        ],
      ],
    ],
  );
});

test("a counter is shown as what it grew by in a second, and one that began anew by what it counted since", () => {
  const meters = new Meters(10);
  for (const [at, reads] of [100, 140, 20].entries()) meters.push(at * 2000, familiesOf(metrics(reads, at)));
  assert.deepEqual(meters.tracks.get("skep_reads_total")?.lines.get(""), [20, 10]);
  assert.deepEqual(meters.tracks.get("skep_sessions")?.lines.get("edge=http"), [0, 1, 2]);
});

test("numbers of a line keep their names, whatever form the line has", () => {
  const cases: readonly [string, Record<string, number>][] = [
    ['{"temp":21.5,"fan":{"rpm":900},"name":"attic"}', { temp: 21.5, "fan.rpm": 900 }],
    ["temp=21.5 load=-0.25 host=attic v=1.2.3", { temp: 21.5, load: -0.25 }],
    ["42", { value: 42 }],
    ["heartbeat", {}],
    ["{no json}", {}],
  ];
  for (const [line, numbers] of cases) assert.deepEqual(Object.fromEntries(numbersOf(line)), numbers, line);
});

test("a line that comes later begins with a gap, and only the newest moments are kept", () => {
  const track = new Track(3);
  for (let at = 0; at < 5; at += 1)
    track.push(
      at,
      new Map(
        at < 3
          ? [["a", at]]
          : [
              ["a", at],
              ["b", at],
            ],
      ),
    );
  assert.deepEqual(track.times, [2, 3, 4]);
  assert.deepEqual(Object.fromEntries(track.lines), { a: [2, 3, 4], b: [null, 3, 4] });
});

test("lines that one scale cannot show stand apart, and those of one size together", () => {
  const track = new Track(10);
  track.push(1, new Map(Object.entries({ temp: 21, fan: 900, inside: 23, off: 0 })));
  assert.deepEqual(groupsOf(track), [["temp", "inside"], ["fan"], ["off"]]);
});
