import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addTime,
  type Book,
  countOf,
  emptyBook,
  emptyHistogram,
  enter,
  type Entry,
  narrow,
  noRules,
  percentileOf,
  refusal,
  statementOf,
} from "./mod.ts";

const t0 = Date.UTC(2026, 2, 31, 23, 0);
const hour = 3_600_000;
const play = (entries: readonly Entry[]): Book => entries.reduce(enter, emptyBook);

test("a month's statement tells how often and how long for each reason, and what was lent", () => {
  const book = play([
    { kind: "run", at: t0 },
    { kind: "stop", at: t0 + 1000, rule: "input", latency: 4, fromEvent: 6 },
    { kind: "run", at: t0 + 61_000 },
    { kind: "lent", at: t0 + 121_000, cpuMs: 30_000, jobs: 3, givenBack: 1 },
    { kind: "stop", at: t0 + 181_000, rule: "input", latency: 2 },
    { kind: "end", at: t0 + 191_000 },
  ]);
  assert.deepEqual(statementOf(book, "2026-03", t0 + hour), {
    stops: { input: { times: 2, ms: 70_000 } },
    lentMs: 121_000,
    cpuMs: 30_000,
    jobs: 3,
    givenBack: 1,
  });
  assert.deepEqual([countOf(book.latency), countOf(book.fromEvent), book.latency.max], [2, 1, 4]);
});

test("what lasts over the end of a month is parted, and counted once", () => {
  const book = play([
    { kind: "run", at: t0 },
    { kind: "stop", at: t0 + 60_000, rule: "hours" },
  ]);
  const now = t0 + 3 * hour;
  assert.deepEqual(statementOf(book, "2026-03", now).stops.hours, { times: 1, ms: hour - 60_000 });
  assert.deepEqual(statementOf(book, "2026-04", now).stops.hours, { times: 0, ms: 2 * hour });
});

test("another reason while work stands still is another stop, the same one is not", () => {
  const book = play([
    { kind: "stop", at: t0, rule: "cpu" },
    { kind: "stop", at: t0 + 10, rule: "cpu" },
    { kind: "stop", at: t0 + 20, rule: "input" },
  ]);
  const { stops } = statementOf(book, "2026-03", t0 + 50);
  assert.deepEqual(stops, { cpu: { times: 1, ms: 20 }, input: { times: 1, ms: 30 } });
});

const entry: fc.Arbitrary<[number, Entry["kind"]]> = fc.tuple(
  fc.integer({ min: 0, max: 50 * 24 * hour }),
  fc.constantFrom("run", "stop", "lent"),
);

test("law: every millisecond between the first and the last entry is in one month for one reason", () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (steps) => {
      let at = t0;
      let book = enter(emptyBook, { kind: "run", at });
      for (const [after, kind] of steps) {
        at += after;
        const extra = kind === "stop" ? { rule: "cpu" } : { cpuMs: 1, jobs: 0, givenBack: 0 };
        book = enter(book, { kind, at, ...extra } as Entry);
      }
      book = enter(book, { kind: "end", at });
      const booked = Object.values(book.months).reduce(
        (sum, { lentMs, stops }) => sum + lentMs + (stops.cpu?.ms ?? 0),
        0,
      );
      assert.ok(Object.keys(book.months).length <= 24);
      if (Object.keys(book.months).length < 24) assert.equal(booked, at - t0);
    }),
  );
});

test("a percentile lies within the bucket of the time that it names, and never above the longest", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 9000, noNaN: true }), { minLength: 1, maxLength: 60 }),
      (times) => {
        const histogram = times.reduce(addTime, emptyHistogram);
        const sorted = [...times].sort((one, other) => one - other);
        for (const percent of [1, 50, 99, 100]) {
          const exact = sorted[Math.ceil((times.length * percent) / 100) - 1] ?? 0;
          const told = percentileOf(histogram, percent) ?? -1;
          assert.ok(told >= exact && told <= histogram.max, `${percent}: ${told} for ${exact}`);
        }
        assert.equal(countOf(histogram), times.length);
      },
    ),
  );
  assert.equal(percentileOf(emptyHistogram, 50), undefined);
});

const MiB = 1024 * 1024;
const offer = {
  slots: 4,
  memoryBytes: 512 * MiB,
  overheadBytes: 160 * MiB,
  cacheBytes: 256 * MiB,
  outputBytes: 64 * MiB,
};
const capsOf = (more: Partial<typeof noRules.caps>) => ({ ...noRules.caps, ...more });

test("without caps nothing is taken from an offer", () => {
  assert.deepEqual(narrow(offer, noRules.caps, 8), { ...offer, cpus: null, networkBytes: null });
});

test("caps narrow: half of the processors, one job at a time, memory for it, a small disk", () => {
  const caps = capsOf({ cpu: 50, slots: 1, memory: 256 * MiB, disk: 64 * MiB, network: 1000 });
  assert.deepEqual(narrow(offer, caps, 8), {
    slots: 1,
    memoryBytes: 96 * MiB,
    overheadBytes: 160 * MiB,
    cacheBytes: 32 * MiB,
    outputBytes: 16 * MiB,
    cpus: 4,
    networkBytes: 1000,
  });
  assert.throws(() => narrow(offer, capsOf({ memory: 100 * MiB }), 8), { code: "owner.small" });
});

test("law: a narrowed offer is never wider, keeps to the cap, and to nothing wider when narrowed again", () => {
  const mib = (min: number, max: number) => fc.option(fc.integer({ min, max }).map((value) => value * MiB));
  const caps = fc.record({
    cpu: fc.option(fc.integer({ min: 1, max: 100 })),
    memory: mib(256, 8192),
    disk: mib(1, 4096),
    network: fc.option(fc.integer({ min: 1, max: 1e9 })),
    slots: fc.option(fc.integer({ min: 1, max: 64 })),
  });
  fc.assert(
    fc.property(caps, (given) => {
      const narrowed = narrow(offer, given, 8);
      for (const key of ["slots", "memoryBytes", "cacheBytes", "outputBytes"] as const)
        assert.ok(narrowed[key] <= offer[key] && narrowed[key] > 0, key);
      const { slots, memoryBytes, overheadBytes, cacheBytes, outputBytes } = narrowed;
      assert.ok(slots * (memoryBytes + overheadBytes) <= (given.memory ?? Number.POSITIVE_INFINITY));
      assert.ok(cacheBytes + slots * 2 * outputBytes <= (given.disk ?? Number.POSITIVE_INFINITY));
      assert.ok((narrowed.cpus ?? 8) <= 8);
    }),
  );
});

test("work of a class, a kind or a subject that the owner refuses is refused with that", () => {
  const refuse = { kinds: ["task"], classes: ["rendering"], subjects: ["mallory"] };
  const work = { kind: "wasm", class: "general", subject: "alice" };
  assert.equal(refusal(refuse, work), undefined);
  assert.match(refusal(refuse, { ...work, kind: "task" }) ?? "", /no task jobs/);
  assert.match(refusal(refuse, { ...work, class: "rendering" }) ?? "", /class rendering/);
  assert.match(refusal(refuse, { ...work, subject: "mallory" }) ?? "", /of mallory/);
});
