import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { counted, duty, earliest } from "./src/duty.ts";
import { airtimeMs, mountNames, type Slot } from "./mod.ts";

/** Time on the air within a span. */
const within = (slots: readonly Slot[], from: number, to: number): number =>
  slots.reduce((sum, { at, ms }) => sum + Math.max(0, Math.min(at + ms, to) - Math.max(at, from)), 0);

test("however transmissions are asked for, no span of a window's length has more than the budget on the air", () => {
  const asked = fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 60 })), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 50, max: 1000 }),
      asked,
      (percent, window, all) => {
        const budget = duty(percent, window);
        let now = 1000;
        let slots: readonly Slot[] = [];
        const sent: Slot[] = [];
        for (const [gap, ms] of all) {
          now += gap;
          slots = counted(slots, now, budget);
          const at = earliest(slots, ms, now, budget);
          assert.equal(at === undefined, ms > budget.budgetMs);
          if (at === undefined) continue;
          assert.ok(at >= now);
          slots = [...slots, { at, ms }];
          sent.push({ at, ms });
        }
        for (const { at, ms } of sent)
          for (const from of [at, at + ms - window])
            assert.ok(within(sent, from, from + window) <= budget.budgetMs + 1e-9);
      },
    ),
  );
});

test("no transmission waits longer than it has to", () => {
  const budget = duty(10, 100);
  const slots: Slot[] = [
    { at: 0, ms: 4 },
    { at: 50, ms: 4 },
  ];
  assert.equal(earliest(slots, 2, 60, budget), 60);
  // With the last 3 ms of the first, the window would have 11 of 10 ms.
  assert.equal(earliest(slots, 6, 60, budget), 98);
  assert.equal(earliest(slots, 11, 60, budget), undefined);
  for (let at = 60; at < 98; at += 1)
    assert.ok(within([...slots, { at, ms: 6 }], at + 6 - 100, at + 6) > budget.budgetMs);
});

test("time on the air is what Semtech's formula gives, rounded up", () => {
  // Values of Semtech's LoRa calculator: SF7 to SF12 at 125 kHz, 4/5, 8 symbols, 10 and 51 bytes of payload.
  const table = [
    [7, 10, 41.216],
    [7, 51, 102.656],
    [10, 10, 288.768],
    [12, 10, 991.232],
    [12, 51, 2465.792],
  ] as const;
  for (const [sf, bytes, ms] of table)
    assert.equal(
      airtimeMs({ sf, bw: 125, cr: 5, preamble: 8 }, bytes),
      Math.ceil(ms),
      `SF${sf}, ${bytes} bytes`,
    );
  assert.equal(airtimeMs("bytes", 10), 10);
});

test("a label that two adapters want gets a prefix of either id, whichever comes first", () => {
  const one = { id: "north", label: "pump", scope: "north" };
  const other = { id: "south", label: "pump", scope: "south" };
  const third = { id: "third", label: "fan", scope: "third" };
  const names = [...mountNames([one, other, third])].map(([name, { id }]) => [id, name]);
  assert.deepEqual(Object.fromEntries(names), {
    third: "fan",
    north: "dc365e79-pump",
    south: "2daa8d4a-pump",
  });
  assert.deepEqual([...mountNames([third, other, one])], [...mountNames([third, one, other])]);
  assert.throws(() => mountNames([one, one]), { code: "bus-config.twice" });
});
