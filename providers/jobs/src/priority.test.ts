import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { priority, type Signals, signalsOf, weights } from "./priority.ts";

const least: Signals = { ncu: 0, votes: { net: 0, voters: 0 }, size: 1, waitedMs: 0, used: 1e9 };
const amount = fc.double({ min: 0, max: 1e12, noNaN: true });
const signals: fc.Arbitrary<Signals> = fc.record({
  ncu: amount,
  votes: fc.record({ net: fc.integer({ min: -1e6, max: 1e6 }), voters: fc.nat(1e6) }),
  size: fc.double({ min: 0, max: 10, noNaN: true }),
  waitedMs: amount,
  used: amount,
});

test("the weights are one together, and so every priority lies from 0 to 1", () => {
  const sum = Object.values(weights).reduce((one, other) => one + other, 0);
  assert.equal(Math.round(sum * 1e12), 1e12);
  fc.assert(
    fc.property(signals, (given) => {
      const told = priority(given);
      assert.ok(told >= 0 && told <= 1, String(told));
    }),
  );
});

test("more given, more votes, less asked for, a longer wait and less used never make a priority lower", () => {
  const better: readonly ((given: Signals, by: number) => Signals)[] = [
    (given, by) => ({ ...given, ncu: given.ncu + by }),
    (given, by) => ({ ...given, votes: { ...given.votes, net: given.votes.net + by } }),
    (given, by) => ({ ...given, size: given.size - by }),
    (given, by) => ({ ...given, waitedMs: given.waitedMs + by }),
    (given, by) => ({ ...given, used: given.used - by }),
  ];
  fc.assert(
    fc.property(signals, fc.double({ min: 0, max: 1e6, noNaN: true }), fc.nat(4), (given, by, which) => {
      const more = better[which]?.(given, by) ?? given;
      assert.ok(priority(more) >= priority(given) - 1e-12);
    }),
  );
});

const halves: readonly (readonly [
  what: string,
  signal: keyof typeof weights,
  given: Signals,
  value: number,
])[] = [
  ["nobody voted", "vote", least, 0.5],
  ["four hours were waited", "age", { ...least, waitedMs: 4 * 3_600_000 }, 0.5],
  ["ten NCU were used in a day", "cool", { ...least, used: 10 }, Math.exp(-1)],
  ["the largest job is asked for", "size", least, Math.exp(-2)],
  ["a hundred NCU were given", "ncu", { ...least, ncu: 100 }, 1 - Math.exp(-12)],
];
for (const [what, signal, given, value] of halves)
  test(`where ${what}, its signal is ${value.toPrecision(2)}`, () => {
    assert.equal(signalsOf(given)[signal], value);
  });
