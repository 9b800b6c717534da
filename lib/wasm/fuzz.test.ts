import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import fc from "fast-check";
import { admit, type Admitted } from "./admit.ts";
import { execute } from "./execute.ts";
import { build, f64, i32, i64, s, u } from "./testing/build.ts";

/** A module in which every section and most forms occur. */
const sample = build({
  types: [
    [[], []],
    [[i32], [i32, i64]],
    [[i32, i32, i32, i32], [i32]],
    [[i32], []],
  ],
  imports: [
    ["fd_write", 2],
    ["proc_exit", 3],
  ],
  functions: [
    {
      type: 0,
      locals: [
        [2, i32],
        [1, f64],
      ],
      code: [
        ...[0x03, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, ...s(2), 0x48, 0x0d, 0, 0x0b],
        ...[0x02, 0x40, 0x20, 0, 0x0e, 2, 0, 1, 0, 0x0b, 0x41, 1, 0x10, 3, 0x1a, 0x21, 1],
        ...[0x20, 2, 0x44, 0, 0, 0, 0, 0, 0, 8, 0x40, 0xa3, 0x22, 2, 0xfc, 2, 0x1a],
        ...[0x41, 0, 0x41, 0, 0x41, 8, 0xfc, 10, 0, 0, 0x41, 1, 0x40, 0, 0x1a],
        ...[0x41, 1, 0x41, 0, 0x41, 0, 0xfc, 8, 1, 0, 0xfc, 9, 1, 0x41, 0, 0x11, 0, 0],
      ],
    },
    { type: 1, code: [0x20, 0, 0x04, 0x40, 0x41, 5, 0x42, 6, 0x0f, 0x0b, 0x20, 0, 0x23, 0] },
    { type: 0, code: [0x03, 0x40, 0x10, 4, 0x0c, 0, 0x0b] },
  ],
  table: [1, 4, 4],
  memory: [1, 1, 4],
  globals: [[i64, 1, 0x42, 1, 0x0b]],
  exports: [
    ["memory", 2, 0],
    ["_start", 0, 2],
  ],
  start: 2,
  elements: [[0, 0x41, 0, 0x0b, ...u(2), 2, 4]],
  dataCount: 2,
  data: [
    [0, 0x41, 0, 0x0b, 3, 1, 2, 3],
    [1, 4, 1, 2, 3, 4],
  ],
});

/** The result of admission; anything thrown that is no fault fails the test. */
function tried(bytes: Uint8Array): Admitted | undefined {
  try {
    return admit(bytes);
  } catch (thrown) {
    assert.ok(thrown instanceof Fault && thrown.code.startsWith("wasm."), String(thrown));
    return undefined;
  }
}

function outcome(module: Uint8Array) {
  const seed = new Uint8Array(32);
  const input = {
    args: ["x"],
    env: {},
    fuel: 400_000n,
    memoryPages: 8,
    stdoutLimit: 9,
    stderrLimit: 9,
    startTimeMs: 0,
  };
  const stdin = { read: () => new Uint8Array() };
  return execute(new WebAssembly.Module(module), { ...input, seed, stdin, onOutput: () => undefined });
}

/** Admits, and where the engine agrees runs twice: it ends within its fuel and both times alike. */
function judge(bytes: Uint8Array): string {
  const admitted = tried(bytes);
  if (!admitted) return "refused";
  if (!WebAssembly.validate(admitted.module)) return "invalid";
  const ran = outcome(admitted.module);
  assert.deepEqual(outcome(admitted.module), ran);
  assert.ok(ran.fuelUsed <= 400_000n);
  assert.notEqual(ran.message, "Calls are nested too deep for this machine");
  return ran.reason;
}

test("the sample itself is admitted, valid and ends", () => {
  assert.ok(WebAssembly.validate(sample));
  assert.equal(judge(sample), "depth");
});

test("an instrumented module is valid and is not admitted a second time", () => {
  const { module } = admit(sample);
  assert.ok(WebAssembly.validate(module));
  assert.equal(tried(module), undefined);
});

test("changed bytes never crash admission, and what passes runs within its fuel and alike each time", () => {
  const change = fc.record({ at: fc.nat(sample.length - 1), byte: fc.nat(255) });
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = sample.slice();
      for (const { at, byte } of changes) bytes[at] = byte;
      seen.add(judge(bytes));
    }),
    { numRuns: 1_000, seed: 7 },
  );
  for (const reason of ["refused", "invalid", "depth"]) assert.ok(seen.has(reason), [...seen].join());
});

test("bytes taken out, put in or cut off never crash admission", () => {
  const edit = fc.record({
    at: fc.nat(sample.length),
    drop: fc.nat(4),
    put: fc.uint8Array({ maxLength: 4 }),
    keep: fc.nat(600),
  });
  fc.assert(
    fc.property(edit, ({ at, drop, put, keep }) => {
      const bytes = [...sample.subarray(0, at), ...put, ...sample.subarray(at + drop)].slice(0, keep);
      judge(Uint8Array.from(bytes));
    }),
    { numRuns: 500, seed: 8 },
  );
  for (let length = 0; length < sample.length; length++) {
    const cut = tried(sample.subarray(0, length));
    assert.ok(cut === undefined || WebAssembly.validate(sample.subarray(0, length)), `${length}`);
  }
});

test("no opcode crashes admission", () => {
  for (let op = 0; op < 256; op++) {
    const bytes = build({ functions: [{ type: 0, code: [op, 0, 0, 0, 0, 0, 0, 0, 0] }], memory: [0, 1] });
    judge(bytes);
  }
});
