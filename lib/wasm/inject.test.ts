import assert from "node:assert/strict";
import { test } from "node:test";
import { admit } from "./admit.ts";
import { compile, execute } from "./execute.ts";
import { frameLimit } from "./tally.ts";
import { build, command, f32, f64, i32, i64, type Ran, run, s, u } from "./testing/build.ts";

const exitType = [[i32], []] as const;
const void0 = [[], []] as const;
const memory = [0x00, 1];
/** A command that ends with the i32 that `code` leaves as its exit code. */
function answer(code: readonly number[], spec: Omit<Parameters<typeof command>[0], "code"> = {}) {
  return command({
    memory,
    ...spec,
    types: [void0, exitType, ...(spec.types ?? [])],
    imports: [["proc_exit", 1]],
    code: [...code, 0x10, 0],
  });
}

const end = ({ reason, exitCode }: Ran) => [reason, exitCode];
const brief = ({ reason, exitCode, message, fuelUsed, memoryBytes }: Ran) => ({
  reason,
  exitCode,
  message,
  fuelUsed,
  memoryBytes,
});
const zeros = (count: number, value: number) => Array.from({ length: count }, () => value);

test("an endless loop ends when its fuel is used, each time at the same place", () => {
  const bytes = command({ code: [0x03, 0x40, 0x0c, 0, 0x0b] });
  const ran = run(bytes, { fuel: 1_000_000n });
  assert.deepEqual(brief(ran), {
    reason: "fuel",
    exitCode: null,
    message: "All 1000000 units of fuel are used",
    fuelUsed: 1_000_000n,
    memoryBytes: 0,
  });
  assert.deepEqual(brief(run(bytes, { fuel: 1_000_000n })), brief(ran));
});

test("an endless start function ends when its fuel is used", () => {
  const loop = { type: 0, code: [0x03, 0x40, 0x0c, 0, 0x0b] };
  const bytes = build({ functions: [loop, { type: 0, code: [] }], exports: [["_start", 0, 1]], start: 0 });
  assert.deepEqual(end(run(bytes, { fuel: 100_000n })), ["fuel", null]);
  const started = build({ functions: [loop], start: 0 });
  assert.deepEqual(end(run(started, { fuel: 100_000n })), ["fuel", null]);
});

test("the start function runs before _start, and a module without _start says so", () => {
  const set = { type: 0, code: [0x41, 7, 0x24, 0] };
  const spec = { globals: [[i32, 1, 0x41, 0, 0x0b]], functions: [set], start: 2 };
  assert.deepEqual(end(run(answer([0x23, 0], spec))), ["exit", 7]);
  const ran = run(build({ functions: [set], globals: spec.globals, start: 0 }));
  assert.deepEqual([ran.reason, ran.message], ["start", "Module exports no function _start"]);
});

test("fuel counts every block that is entered and none that is not", () => {
  const branch = (condition: number) =>
    command({
      code: [0x41, condition, 0x04, 0x40, ...zeros(10, 0x41).flatMap(() => [0x41, 0, 0x1a]), 0x05, 0x0b],
    });
  assert.equal(run(branch(1)).fuelUsed - run(branch(0)).fuelUsed, 10n);
  const early = (condition: number) =>
    command({ code: [0x41, condition, 0x0d, 0, 0x41, 0, 0x1a, 0x41, 0, 0x1a] });
  assert.equal(run(early(0)).fuelUsed - run(early(1)).fuelUsed, 2n);
});

test("a loop costs its body times its turns", () => {
  const turns = (count: number) =>
    command({
      locals: [[1, i32]],
      code: [0x41, ...s(count), 0x21, 0, 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b],
    });
  assert.equal(run(turns(1001)).fuelUsed - run(turns(1)).fuelUsed, 6_000n);
});

test("recursion ends at the frame limit and not before", () => {
  const down = { type: 2, code: [0x20, 0, 0x45, 0x04, 0x40, 0x0f, 0x0b, 0x20, 0, 0x41, 1, 0x6b, 0x10, 2] };
  const bytes = (depth: number) =>
    command({
      types: [void0, exitType, [[i32], []]],
      imports: [["proc_exit", 1]],
      functions: [down],
      code: [0x41, ...s(depth), 0x10, 2],
    });
  // `_start` is one frame, and the call with 0 one more
  assert.deepEqual(end(run(bytes(frameLimit - 2))), ["exit", 0]);
  const ran = run(bytes(frameLimit - 1));
  assert.deepEqual([ran.reason, ran.message], ["depth", "Calls are nested deeper than 1024 frames"]);
});

test("every way out of a function gives its frame back", () => {
  const ways: readonly (readonly number[])[] = [
    [0x10, 1, 0x41, 0],
    [0x10, 1, 0x41, 0, 0x0f],
    [0x10, 1, 0x41, 0, 0x0c, 0],
    [0x10, 1, 0x02, 0x40, 0x03, 0x40, 0x41, 0, 0x0c, 2, 0x0b, 0x0b, 0x41, 0],
    [0x10, 1, 0x02, 0x40, 0x41, 0, 0x0f, 0x0b, 0x41, 0],
    [0x10, 1, 0x41, 0, 0x41, 1, 0x0d, 0],
    [0x10, 1, 0x02, 0x40, 0x41, 0, 0x41, 0, 0x0e, 1, 1, 1, 0x0b, 0x41, 0],
    [0x10, 1, 0x41, 1, 0x04, i32, 0x41, 0, 0x0c, 1, 0x05, 0x41, 0, 0x0b],
  ];
  const loop = (count: number) => [
    ...[
      0x41,
      ...s(count),
      0x21,
      0,
      0x03,
      0x40,
      0x10,
      2,
      0x1a,
      0x20,
      0,
      0x41,
      1,
      0x6b,
      0x22,
      0,
      0x0d,
      0,
      0x0b,
    ],
  ];
  for (const code of ways) {
    const bytes = command({
      types: [void0, [[], [i32]]],
      locals: [[1, i32]],
      functions: [
        { type: 0, code: [] },
        { type: 1, code },
      ],
      code: loop(3 * frameLimit),
    });
    assert.deepEqual(end(run(bytes)), ["exit", 0], `${code}`);
  }
});

test("functions of several results give them and their frame back", () => {
  const asking = build({
    types: [void0, exitType, [[], [i32, i64]]],
    imports: [["proc_exit", 1]],
    functions: [
      { type: 0, code: [0x10, 2, 0xa7, 0x6a, 0x10, 0] },
      { type: 2, code: [0x10, 3, 0x41, 5, 0x42, 7, 0x0f] },
      { type: 0, code: [] },
    ],
    exports: [["_start", 0, 1]],
  });
  assert.deepEqual(end(run(asking)), ["exit", 12]);
});

test("frames of many locals or operands count as several, so that the machine's stack holds", () => {
  const types = [void0, [[i64], [i64]]] as const;
  for (const count of [70, 500, 4_990]) {
    const sum = Array.from({ length: count }, (_, n) => [0x20, ...u(n), 0x7c]).flat();
    const set = Array.from({ length: count - 1 }, (_, n) => [
      0x20,
      0,
      0x42,
      1,
      0x7c,
      0x22,
      0,
      0x21,
      ...u(n + 1),
    ]).flat();
    const self = { type: 1, locals: [[count, i64]] as const, code: [...set, 0x20, 0, 0x10, 1, ...sum] };
    const ran = run(command({ types, functions: [self], code: [0x42, 0, 0x10, 1, 0x1a] }));
    assert.deepEqual(
      [ran.reason, ran.message],
      ["depth", "Calls are nested deeper than 1024 frames"],
      `${count} locals`,
    );
  }
  const pile = [
    ...Array.from({ length: 2_000 }, () => [0x20, 0, 0x22, 0]).flat(),
    0x20,
    0,
    0x10,
    1,
    ...zeros(2_000, 0x7c),
  ];
  const ran = run(command({ types, functions: [{ type: 1, code: pile }], code: [0x42, 0, 0x10, 1, 0x1a] }));
  assert.equal(ran.message, "Calls are nested deeper than 1024 frames");
});

test("memory grows to the job's limit, and the answer beyond depends on nothing else", () => {
  const grow = (pages: number) => [0x41, ...s(pages), 0x40, 0];
  assert.deepEqual(end(run(answer(grow(3)), { memoryPages: 4 })), ["exit", 1]);
  const refused = run(answer(grow(4)), { memoryPages: 4 });
  assert.deepEqual([end(refused), refused.memoryBytes], [["exit", 0xffff_ffff], 65_536]);
  assert.deepEqual(end(run(answer(grow(-1)), { memoryPages: 65_536 })), ["exit", 0xffff_ffff]);
  assert.deepEqual(end(run(answer(grow(2), { memory: [1, 1, 2] }), { memoryPages: 4 })), [
    "exit",
    0xffff_ffff,
  ]);
  const ran = run(answer([0x41, 0], { memory: [0, 5] }), { memoryPages: 4 });
  assert.deepEqual([ran.reason, ran.message], ["memory", "Module starts with 5 pages of memory, at most 4"]);
  const until = [0x03, 0x40, 0x41, 1, 0x40, 0, 0x41, ...s(-1), 0x47, 0x0d, 0, 0x0b, 0x3f, 0];
  assert.deepEqual(end(run(answer(until), { memoryPages: 9 })), ["exit", 9]);
});

test("bulk operations are paid by their length, also by one that fails", () => {
  const fill = (length: number) =>
    command({ memory: [0, 16], code: [0x41, 0, 0x41, 0, 0x41, ...s(length), 0xfc, 11, 0] });
  assert.equal(run(fill(800_000)).fuelUsed - run(fill(0)).fuelUsed, 100_000n);
  assert.deepEqual(end(run(fill(800_000), { fuel: 1_000n })), ["fuel", null]);
  assert.deepEqual(end(run(fill(-1), { fuel: 1_000n })), ["fuel", null]);
  assert.equal(run(fill(-1), { fuel: 10n ** 12n }).reason, "trap");
  const table = (length: number) =>
    command({ table: [0, 100], code: [0x41, 0, 0x41, 0, 0x41, ...s(length), 0xfc, 14, 0, 0] });
  assert.equal(run(table(90)).fuelUsed - run(table(0)).fuelUsed, 90n);
});

test("a NaN has the same bits whatever made it", () => {
  const nan64 = [0x44, 1, 0, 0, 0, 0, 0, 0xf4, 0xff];
  const nan32 = [0x43, 1, 0, 0xa0, 0xff];
  const bits64 = [0xbd, 0x42, 32, 0x88, 0xa7];
  const binary64 = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5];
  for (const op of binary64)
    assert.equal(run(answer([...nan64, ...nan64, op, ...bits64])).exitCode, 0x7ff8_0000, `${op}`);
  for (const op of [0x9b, 0x9c, 0x9d, 0x9e, 0x9f])
    assert.equal(run(answer([...nan64, op, ...bits64])).exitCode, 0x7ff8_0000, `${op}`);
  for (const op of [0x92, 0x93, 0x94, 0x95, 0x96, 0x97])
    assert.equal(run(answer([...nan32, ...nan32, op, 0xbc])).exitCode, 0x7fc0_0000, `${op}`);
  assert.equal(run(answer([...nan64, 0xb6, 0xbc])).exitCode, 0x7fc0_0000);
  assert.equal(run(answer([...nan32, 0xbb, ...bits64])).exitCode, 0x7ff8_0000);
  // 0/0 is negative on x86: what it is used for next must not show it
  const zero = [0x44, 0, 0, 0, 0, 0, 0, 0, 0];
  const made = [...zero, ...zero, 0xa3];
  assert.equal(run(answer([...made, ...bits64])).exitCode, 0x7ff8_0000);
  assert.equal(run(answer([...made, 0x9a, ...bits64])).exitCode, 0xfff8_0000);
  assert.equal(run(answer([...made, ...zero, 0xa0, ...bits64])).exitCode, 0x7ff8_0000);
  assert.equal(run(answer([...zero, ...made, 0xa6, ...bits64])).exitCode, 0);
  assert.equal(run(answer([0x41, 0, ...made, 0x39, 0, 0, 0x41, 0, 0x28, 0, 4])).exitCode, 0x7ff8_0000);
  assert.equal(
    run(answer([0x02, f64, ...made, 0x41, 1, 0x0d, 0, ...zero, 0xa0, 0x0b, ...bits64])).exitCode,
    0x7ff8_0000,
  );
  assert.equal(
    run(answer([...made, 0x22, 0, 0x1a, 0x20, 0, ...bits64], { locals: [[1, f64]] })).exitCode,
    0x7ff8_0000,
  );
  assert.equal(
    run(answer([0x43, 0, 0, 0x80, 0x7f, 0x22, 0, 0x20, 0, 0x93, 0xbc], { locals: [[1, f32]] })).exitCode,
    0x7fc0_0000,
  );
});

test("a trap says why, with the fuel used until there", () => {
  const cases: readonly (readonly [code: readonly number[], message: string])[] = [
    [[0x00], "unreachable"],
    [[0x41, 1, 0x41, 0, 0x6d, 0x1a], "divide by zero"],
    [[0x41, ...s(-1), 0x28, 2, 0, 0x1a], "memory access out of bounds"],
    [[0x41, 9, 0x11, 0, 0], "table index is out of bounds"],
  ];
  for (const [code, message] of cases) {
    const ran = run(command({ memory, table: [0, 1], code }));
    assert.deepEqual([ran.reason, ran.exitCode, ran.message], ["trap", null, message]);
    assert.ok(ran.fuelUsed > 0n && ran.fuelUsed < 30n);
  }
});

test("segments that do not fit and modules that were not admitted do not link", () => {
  const data = command({ memory, code: [], data: [[0, 0x41, ...s(65_535), 0x0b, 2, 1, 1]] });
  assert.equal(run(data).reason, "link");
  const plain = new WebAssembly.Module(command({ code: [] }));
  const input = {
    args: [],
    env: {},
    fuel: 1n,
    memoryPages: 1,
    stdoutLimit: 0,
    stderrLimit: 0,
    startTimeMs: 0,
  };
  const seed = new Uint8Array();
  const ran = execute(plain, { ...input, seed, stdin: { read: () => seed }, onOutput: () => undefined });
  assert.deepEqual([ran.reason, ran.message], ["link", "Module was not admitted here"]);
});

test("a module whose types are wrong is admitted by us and refused by the engine", () => {
  const bytes = command({ code: [0x42, 0, 0x45, 0x1a] });
  assert.throws(() => compile(admit(bytes).module), { code: "wasm.invalid", kind: "invalid" });
});
