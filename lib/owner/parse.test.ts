import assert from "node:assert/strict";
import { test } from "node:test";
import { checkOwner, exampleOwner, noRules, parseOwner, printProblem, rulesJson } from "./mod.ts";

test("an empty file has no rules, and the example has those that it shows", () => {
  assert.deepEqual(parseOwner("", "owner.toml"), noRules);
  const rules = parseOwner(exampleOwner(), "owner.toml");
  assert.deepEqual([rules.idle, rules.cpu, rules.battery, rules.grace], [180_000, 25, true, 60_000]);
});

test("the example is right with every rule in it", () => {
  const all = exampleOwner().replace(/^# (\w+ =|\[gpu)/gm, "$1");
  const rules = parseOwner(all, "owner.toml");
  assert.equal(rules.caps.memory, 4 * 1024 ** 3);
  assert.deepEqual(rules.gpus["0"], { use: true, busy: 20, temperature: 80, programs: ["blender"] });
  assert.deepEqual(rules.refuse, { kinds: ["task"], classes: ["rendering"], subjects: ["somebody"] });
  assert.equal(rules.hours.length, 7);
});

const wrongs: [text: string, problem: RegExp][] = [
  ["[stop]\ncpu = 25\nlod = 3", /^owner\.toml:3:1: stop\.lod is no rule \(Did you mean load\?\)$/],
  ["[when]\n  idle = 3", /^owner\.toml:2:3: when\.idle: 3 is no time \(Write a number and a unit/],
  ['[when]\nidle = "3 parsecs"', /^owner\.toml:2:1: when\.idle: "3 parsecs" is no time/],
  [
    "[stop]\ncpu = 250",
    /^owner\.toml:2:1: stop\.cpu: 250 is not a percentage \(Write a number from 1 to 100\)$/,
  ],
  ['[stop]\nbattery = "yes"', /^owner\.toml:2:1: stop\.battery: "yes" is neither true nor false/],
  ['[when]\nhours = ["funday"]', /^owner\.toml:2:1: when\.hours: "funday" is no time of the week/],
  ['[when]\nhours = ["mon 25:00-26:00"]', /no time of the week/],
  ['[when]\nnot_on = ["2026-13-01"]', /is no day/],
  ['[stop]\nprograms = ["a b"]', /is no name of a program/],
  ["[stops]\ncpu = 25", /^owner\.toml:1:1: stops is no rule \(Did you mean stop\?\)$/],
  ["[gpu.0]\nusee = true", /^owner\.toml:2:1: gpu\.0\.usee is no rule \(Did you mean use\?\)$/],
  ["stop = 3", /^owner\.toml:1:1: stop is no table/],
  ["[stop]\ncpu = = 3", /^owner\.toml:2:\d+: /],
  ['[refuse]\nkinds = ["spam"]', /refuse\.kinds: "spam" is no kind of work/],
];
for (const [text, problem] of wrongs)
  test(`it is told where and how ${JSON.stringify(text)} is wrong`, () => {
    const { problems } = checkOwner(text, "owner.toml");
    assert.equal(problems.length, 1);
    assert.match(problems.map(printProblem).join(), problem);
    assert.throws(() => parseOwner(text, "owner.toml"), { code: "owner.rules" });
  });

test("everything that is wrong is told at once", () => {
  const { problems } = checkOwner('[stop]\ncpu = 0\nload = "a"\nnothing = 1', "owner.toml");
  assert.deepEqual(
    problems.map(({ line }) => line),
    [2, 3, 4],
  );
});

test("what the hive is shown holds the rules that exist, and nothing else", () => {
  const rules = parseOwner('[stop]\ncpu = 25\n[caps]\nmemory = "1 GiB"', "owner.toml");
  assert.deepEqual(rulesJson(rules), {
    cpu: 25,
    rest: 10_000,
    grace: 60_000,
    quiet: 30_000,
    caps: { memory: 1024 ** 3 },
  });
});
