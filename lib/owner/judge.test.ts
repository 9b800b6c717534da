import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { judge, type Judgement, type Observations, parseOwner, type Rules } from "./mod.ts";

const local = { weekday: 2, minute: 600, date: "2026-03-04" };
const t0 = 1_800_000_000_000;
const rulesOf = (text: string): Rules => parseOwner(text, "owner.toml");
type Step = readonly [after: number, seen: Omit<Observations, "local"> & { local?: Observations["local"] }];

/** Judges one moment after the other. */
function play(rules: Rules, steps: readonly Step[]): Judgement[] {
  const made: Judgement[] = [];
  for (const [after, seen] of steps) made.push(judge(rules, { local, ...seen }, t0 + after, made.at(-1)));
  return made;
}
const states = (made: readonly Judgement[]): string => made.map(({ state }) => state).join(" ");

test("without rules work runs whatever is seen", () => {
  const all = { input: t0, cpu: 100, load: 99, temperature: 120, battery: true, programs: ["steam"] };
  assert.equal(states(play(rulesOf(""), [[0, all]])), "run");
});

test("a touch freezes at once, is given back after the grace, and ends after the idle time", () => {
  const rules = rulesOf('[when]\nidle = "3m"\n[react]\ngrace = "60s"');
  const touch = t0 + 1000;
  const made = play(rules, [
    [0, { input: t0 - 200_000 }],
    [1000, { input: touch }],
    [60_999, { input: touch }],
    [61_000, { input: touch }],
    [180_999, { input: touch }],
    [181_000, { input: touch }],
  ]);
  assert.equal(states(made), "run freeze freeze give-back give-back run");
  assert.deepEqual([made[1]?.reasons[0]?.rule, made[1]?.until], ["input", touch + 180_000]);
});

test("a level begins at its limit, ends below four fifths of it, and then needs quiet", () => {
  const rules = rulesOf("[stop]\ncpu = 25");
  const made = play(rules, [
    [0, { cpu: 24.9 }],
    [1000, { cpu: 25 }],
    [2000, { cpu: 21 }],
    [3000, { cpu: 19 }],
    [31_999, { cpu: 19 }],
    [32_000, { cpu: 24 }],
  ]);
  assert.equal(states(made), "run freeze freeze freeze freeze run");
  assert.equal(made[2]?.until, undefined);
  assert.equal(made[3]?.until, t0 + 32_000);
});

const levels: [rule: string, key: keyof Observations, on: number, off: number][] = [
  ["load = 4", "load", 4, 3],
  ["memory_pressure = 10", "memoryPressure", 10, 7],
  ["memory_used = 80", "memoryUsed", 80, 74],
  ["temperature = 80", "temperature", 80, 74],
];
for (const [rule, key, on, off] of levels)
  test(`stop.${rule} freezes at ${on}, and work goes on 30 s after ${off}`, () => {
    const made = play(rulesOf(`[stop]\n${rule}`), [
      [0, { [key]: on }],
      [1000, { [key]: off }],
      [30_000, { [key]: off }],
    ]);
    assert.equal(states(made), "freeze freeze run");
  });

test("battery and named programs freeze; other programs do not", () => {
  const rules = rulesOf('[stop]\nbattery = true\nprograms = ["steam"]');
  assert.equal(states(play(rules, [[0, { battery: false, programs: ["vi"] }]])), "run");
  assert.deepEqual(play(rules, [[0, { battery: true }]])[0]?.reasons[0]?.text, "it runs on battery");
  assert.deepEqual(play(rules, [[0, { programs: ["steam"] }]])[0]?.reasons[0]?.text, "steam runs");
});

test("outside the hours and on days off work is paused, until they end", () => {
  const rules = rulesOf(
    '[when]\nhours = ["mon-fri 18:00-08:00", "sat-sun"]\nnot_on = ["2026-03-05..2026-03-06"]',
  );
  const at = (weekday: number, minute: number, date: string) =>
    judge(rules, { local: { weekday, minute, date } }, t0);
  assert.deepEqual(
    [at(2, 600, "2026-03-04").state, at(2, 600, "2026-03-04").until],
    ["paused", t0 + 480 * 60_000],
  );
  assert.equal(at(2, 1080, "2026-03-04").state, "run");
  assert.equal(at(3, 479, "2026-03-12").state, "run");
  assert.equal(at(3, 1200, "2026-03-05").reasons[0]?.rule, "day");
  assert.equal(at(5, 700, "2026-03-07").state, "run");
  // Monday's early hours belong to no window: Sunday is whole, and Friday's ended on Saturday.
  assert.equal(at(0, 100, "2026-03-09").state, "paused");
});

test("a pause is kept until its end, or until it is taken back; work then goes on at once", () => {
  const rules = rulesOf("");
  const made = play(rules, [
    [0, {}],
    [10, { pause: { until: t0 + 5000 } }],
    [4999, { pause: { until: t0 + 5000 } }],
    [5000, { pause: { until: t0 + 5000 } }],
    [6000, { pause: {} }],
    [7000, {}],
  ]);
  assert.equal(states(made), "run paused paused run paused run");
  assert.deepEqual([made[1]?.until, made[4]?.until], [t0 + 5000, undefined]);
});

test("rules that cannot be read pause the machine, with what is wrong", () => {
  const [made] = play(rulesOf(""), [[0, { broken: "owner.toml:3:1: stop.lod is no rule" }]]);
  assert.deepEqual([made?.state, made?.reasons[0]?.rule], ["paused", "rules"]);
});

test("what nothing can see to is named and stops nothing", () => {
  const [made] = play(rulesOf('[when]\nidle = "1m"\n[stop]\ncpu = 25\ntemperature = 80'), [[0, { cpu: 1 }]]);
  assert.deepEqual([made?.state, made?.blind], ["run", ["input", "temperature"]]);
});

test("a GPU that others need is not lent, while the rest of the machine is", () => {
  const rules = rulesOf('[gpu.0]\nbusy = 20\n[gpu.1]\nuse = false\n[gpu.2]\nprograms = ["blender"]');
  const made = play(rules, [
    [0, { gpus: { "0": { busy: 30 } }, programs: ["blender"] }],
    [1000, { gpus: { "0": { busy: 5 } }, programs: [] }],
    [40_000, { gpus: { "0": { busy: 5 } }, programs: [] }],
  ]);
  assert.equal(states(made), "run run run");
  const free = made.map(({ gpus }) => Object.values(gpus).map((gpu) => gpu.free));
  assert.deepEqual(free, [
    [false, false, false],
    [false, false, true],
    [true, false, true],
  ]);
});

const some = fc.record(
  {
    input: fc.integer({ min: t0 - 400_000, max: t0 }),
    cpu: fc.integer({ min: 0, max: 100 }),
    temperature: fc.integer({ min: 20, max: 110 }),
    battery: fc.boolean(),
    programs: fc.subarray(["steam", "vi"]),
  },
  { requiredKeys: [] },
);
const strict = rulesOf(
  '[when]\nidle = "3m"\n[stop]\ncpu = 25\ntemperature = 80\nbattery = true\nprograms = ["steam"]',
);

const isBusy = ({ cpu = 0, temperature = 0, battery, programs = [] }: Omit<Observations, "local">): boolean =>
  cpu >= 25 || temperature >= 80 || battery === true || programs.includes("steam");

test("law: work runs only after as much quiet as the rules ask for", () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), some), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(steps, (given) => {
      let now = 0;
      let before: Judgement | undefined;
      let lastActive = Number.NEGATIVE_INFINITY;
      for (const [after, seen] of given) {
        now += after;
        const { input, ...rest } = seen;
        before = judge(
          strict,
          { local, ...rest, ...(input === undefined ? {} : { input: input + now }) },
          t0 + now,
          before,
        );
        if (isBusy(seen)) lastActive = now;
        const isTouched = input !== undefined && t0 - input < 180_000;
        if (isTouched || now - lastActive < 30_000) assert.notEqual(before.state, "run");
        assert.equal(before.state === "run", before.reasons.length === 0);
        assert.ok((before.until ?? Number.POSITIVE_INFINITY) > t0 + now);
      }
    }),
  );
});

test("law: the same is judged the same, and a promise of an end is kept when nothing else happens", () => {
  fc.assert(
    fc.property(some, (seen) => {
      const one = judge(strict, { local, ...seen }, t0);
      assert.deepEqual(judge(strict, { local, ...seen }, t0), one);
      if (one.until !== undefined)
        assert.equal(judge(strict, { local, ...seen }, one.until, one).state, "run");
    }),
  );
});
