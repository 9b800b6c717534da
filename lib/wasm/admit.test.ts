import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { admit } from "./admit.ts";
import type { AdmitBounds } from "./bounds.ts";
import { body, build, command, f64, header, i32, name, section, type, u, vec } from "./testing/build.ts";

const nop = command({ code: [0x01] });
const memory = [0x00, 1];

function refusal(bytes: Uint8Array, bounds?: Partial<AdmitBounds>): string {
  try {
    admit(bytes, bounds);
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, `${thrown}`);
    assert.equal(thrown.kind, "invalid");
    assert.match(thrown.message, /^[\x20-\x7e…]+$/);
    return `${thrown.code} ${thrown.message.replace(/^[^"]*/, "")}`;
  }
  return "admitted";
}

const raw = (...bytes: readonly (readonly number[])[]) => Uint8Array.from([...header, ...bytes.flat()]);
const code = (...instructions: readonly number[]) => command({ code: instructions, memory, table: [0, 4] });
const many = (count: number, item: readonly number[]) => Array.from({ length: count }, () => item).flat();

test("a module of an empty function is admitted and keeps nothing of its custom sections", () => {
  const custom = section(0, [...name("name"), ...many(5_000, [7])]);
  const { module, report } = admit(Uint8Array.from([...nop, ...custom]));
  assert.ok(WebAssembly.validate(module));
  assert.ok(module.length < 400);
  assert.deepEqual(report, {
    functions: 1,
    imports: [],
    memory: null,
    tableEntries: 0,
    features: [],
    bytesBefore: nop.length + custom.length,
    bytesAfter: module.length,
  });
});

test("the report names features, memory, table and imports", () => {
  const { report } = admit(
    command({
      types: [
        [[], []],
        [[], [i32, i32]],
        [[i32], []],
      ],
      imports: [["proc_exit", 2]],
      memory: [1, 2, 9],
      table: [0, 7],
      globals: [[i32, 1, 0x41, 0, 0x0b]],
      exports: [["g", 3, 0]],
      code: [0x41, 1, 0xc0, 0x1a, 0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a, 0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0],
    }),
  );
  assert.deepEqual(report.features, [
    "bulk-memory",
    "multi-value",
    "mutable-globals",
    "saturating-float-to-int",
    "sign-extension",
  ]);
  assert.deepEqual(report.imports, ["proc_exit"]);
  assert.deepEqual(report.memory, { minPages: 2, maxPages: 9 });
  assert.equal(report.tableEntries, 7);
});

const types0 = section(1, vec([type([], [])]));
const one = [types0, section(3, vec([[0]])), section(10, vec([body({ type: 0, code: [] })]))] as const;
const imported = (module: string, field: string, kind: readonly number[]) =>
  raw(
    section(1, vec([type([], []), type([i32, i32, i32, i32], [])])),
    section(2, vec([[...name(module), ...name(field), ...kind]])),
  );

test("what is not on the list is refused by name", () => {
  const cases: readonly (readonly [bytes: Uint8Array, expected: RegExp])[] = [
    [new Uint8Array(), /^wasm.truncated "module at byte 0"/],
    [
      Uint8Array.from([0, 0x61, 0x73, 0x6d, 2, 0, 0, 0]),
      /^wasm.malformed "not a WebAssembly 1 module, byte 4"/,
    ],
    [nop.subarray(0, nop.length - 1), /^wasm.truncated "code section at byte \d+ announces/],
    [Uint8Array.from([...nop, 0x55]), /^wasm.truncated/],
    [Uint8Array.from([...nop, 0x55, 0]), /^wasm.section "85 at byte/],
    [Uint8Array.from([...nop, ...section(13, [0])]), /^wasm.feature "exception handling/],
    [raw(types0, types0), /^wasm.order "type section at byte/],
    [raw(one[1], one[0]), /^wasm.index "type 0/],
    [raw(section(3, [0]), types0), /^wasm.order "type section/],
    [raw(section(1, [...vec([type([], [])]), 0])), /^wasm.trailing "1 bytes left over, type 0/],
    [raw(section(1, [0x80, 0x80, 0x80, 0x80, 0x10])), /^wasm.malformed "number over 32 bits/],
    [raw(section(1, vec([[0x5f, 0]]))), /^wasm.feature "garbage collection/],
    [raw(section(1, vec([[0x4e, 0]]))), /^wasm.feature "garbage collection/],
    [raw(section(1, vec([type([0x7b], [])]))), /^wasm.simd/],
    [raw(section(1, vec([type([0x6f], [])]))), /^wasm.feature "reference types/],
    [
      raw(
        section(
          4,
          vec([
            [0x70, 0, 1],
            [0x70, 0, 1],
          ]),
        ),
      ),
      /^wasm.feature "reference types \(2 tables\)/,
    ],
    [raw(section(4, vec([[0x6f, 0, 1]]))), /^wasm.feature "reference types \(table of other/],
    [
      raw(section(4, vec([[0x70, 0, ...u(10_000_000)]]))),
      /^wasm.bound "10000000 table entries, at most 10000/,
    ],
    [raw(section(5, vec([[3, 1, 2]]))), /^wasm.shared "memory section/],
    [raw(section(5, vec([[4, 1]]))), /^wasm.feature "memory64/],
    [raw(section(5, vec([memory, memory]))), /^wasm.feature "multiple memories/],
    [raw(section(5, vec([[0, ...u(65_537)]]))), /^wasm.bound "65537 memory pages/],
    [raw(section(6, vec([[i32, 0, 0x23, 0, 0x0b]]))), /^wasm.feature "initial value by opcode 0x23/],
    [raw(section(6, vec([[i32, 0, 0x41, 0, 0x41, 0, 0x6a, 0x0b]]))), /^wasm.feature "extended constant/],
    [imported("env", "abort", [0, 1]), /^wasm.import "function env.abort, import 0 at byte/],
    [imported("e\u001b[2J\u202e", "x", [0, 1]), /^wasm.import "function e\\\\/],
    [imported("wasi_snapshot_preview1", "sock_open", [0, 1]), /^wasm.import/],
    [
      imported("wasi_snapshot_preview1", "fd_write", [0, 1]),
      /^wasm.signature "function wasi_snapshot_preview1.fd_write/,
    ],
    [imported("env", "memory", [2, 0, 1]), /^wasm.import "memory env.memory/],
    [imported("wasi_snapshot_preview1", "fd_write", [3, i32, 0]), /^wasm.import "global/],
    [command({ code: [], exports: [["skep:tally", 0, 0]] }), /^wasm.reserved "skep:tally/],
    [command({ code: [], exports: [["_start", 0, 0]] }), /^wasm.malformed "export twice/],
    [command({ code: [], exports: [["x", 0, 1]] }), /^wasm.index "export 1 of x/],
    [command({ types: [[[i32], []]], code: [] }), /^wasm.signature "_start/],
    [command({ code: [], start: 4 }), /^wasm.index "function 4/],
    [command({ code: [], dataCount: 3 }), /^wasm.malformed "data count 3 with 0/],
    [raw(types0, section(3, vec([[0]]))), /^wasm.malformed "1 functions without code/],
  ];
  for (const [bytes, expected] of cases) assert.match(refusal(bytes), expected);
});

test("instructions that are not on the list are refused by name", () => {
  const cases: readonly (readonly [instructions: readonly number[], expected: RegExp])[] = [
    [[0xfd, 0x0c], /^wasm.simd "function 0 at byte/],
    [[0xfe, 0x03, 0], /^wasm.shared "atomics, function 0/],
    [[0xfb, 0], /^wasm.feature "garbage collection/],
    [[0x06, 0x40], /^wasm.feature "exception handling/],
    [[0x1f, 0x40], /^wasm.feature "exception handling/],
    [[0x12, 0], /^wasm.feature "tail calls/],
    [[0x14, 0], /^wasm.feature "typed function references/],
    [[0xd0, 0x70], /^wasm.feature "reference types/],
    [[0x25, 0], /^wasm.feature "reference types/],
    [[0xfc, 15, 0], /^wasm.feature "reference types \(table.grow/],
    [[0xfc, 18], /^wasm.feature "unknown opcode 0xfc 18/],
    [[0xff], /^wasm.feature "unknown opcode 0xff/],
    [[0x41, 0, 0x28, 0x42, 0, 0, 0x1a], /^wasm.feature "multiple memories/],
    [[0x02, 0x7b, 0x0b], /^wasm.simd/],
    [[0x02, 0x70, 0x0b], /^wasm.feature "reference types/],
    [[0x05], /^wasm.malformed "else without if/],
    [[0x0b, 0x01], /^wasm.trailing/],
    [[0x6a], /^wasm.stack/],
    [[0x41, 0x80, 0x80, 0x80, 0x80, 0x18], /^wasm.malformed "number over 32 bits/],
  ];
  for (const [instructions, expected] of cases) assert.match(refusal(code(...instructions)), expected);
});

test("no instruction reaches what the injector adds", () => {
  const cases: readonly (readonly [instructions: readonly number[], expected: RegExp])[] = [
    [[0x23, 0, 0x1a], /^wasm.index "global 0/],
    [[0x42, 0, 0x24, 0], /^wasm.index "global 0/],
    [[0x20, 0, 0x1a], /^wasm.index "local 0/],
    [[0x42, 0, 0x21, 0], /^wasm.index "local 0/],
    [[0x41, 1, 0x10, 1], /^wasm.index "function 1/],
    [[0x41, 1, 0x41, 0, 0x11, 1, 0], /^wasm.index "type 1/],
    [[0x02, 1, 0x0b], /^wasm.index "type 1 of a block/],
    [[0x0c, 1], /^wasm.index "label 1/],
    [[0x02, 0x40, 0x41, 0, 0x0d, 2, 0x0b], /^wasm.index "label 2/],
    [[0x41, 0, 0x0e, 1, 0, 1], /^wasm.index "label 1/],
    [[0xfc, 9, 0], /^wasm.index "data segment 0/],
    [[0xfc, 13, 0], /^wasm.index "element segment 0/],
  ];
  for (const [instructions, expected] of cases) assert.match(refusal(code(...instructions)), expected);
  const element = command({ code: [], table: [0, 4], elements: [[0, 0x41, 0, 0x0b, 1, 1]] });
  assert.match(refusal(element), /^wasm.index "function 1, element segment 0/);
});

const block = (instructions: readonly number[]) => command({ code: instructions, memory });

test("bombs are refused by the bound that they exceed", () => {
  const locals = (count: number) => command({ code: [], locals: [[count, f64]] });
  const cases: readonly (readonly [bytes: Uint8Array, expected: RegExp, bounds?: Partial<AdmitBounds>])[] = [
    [locals(5_001), /^wasm.bound "5001 locals, at most 5000, function 0/],
    [locals(0xffff_ffff), /^wasm.bound "4294967295 locals/],
    [
      build({
        functions: Array.from({ length: 300 }, () => ({ type: 0, locals: [[5_000, f64]], code: [] })),
      }),
      /^wasm.bound "locals of all functions, at most 1000000/,
    ],
    [code(0x41, 0, 0x0e, ...u(20_000), ...many(20_001, [0])), /^wasm.bound "20000 targets of br_table/],
    [code(0x41, 0, 0x0e, ...u(9_000_000)), /^wasm.bound "9000000 targets/],
    [
      block(many(30, [0x02, 0x40, 0x41, 0, 0x0e, ...u(9_000), ...many(9_001, [0]), 0x0b])),
      /^wasm.bound "targets of br_tables, at most 200000/,
    ],
    [block(many(5_000, [0x02, 0x40])), /^wasm.bound "nested blocks, at most 4096/],
    [block(many(10_001, [0x41, 0])), /^wasm.bound "operands, at most 10000/],
    [
      command({ locals: [[5_000, f64]], code: many(90_000, [0x02, 0x40, 0x0b]) }),
      /^wasm.bound "merges of locals, at most 50000000/,
    ],
    [block(many(500, [0x01])), /^wasm.bound "502 bytes of code, at most 400/, { bodyBytes: 400 }],
    [raw(...Array.from({ length: 1_001 }, () => section(0, name("x")))), /^wasm.bound "1001 custom sections/],
    [
      raw(section(0, [...name("x"), ...many(5_000, [0])])),
      /^wasm.bound "5002 bytes of custom sections/,
      { customBytes: 5_000 },
    ],
    [raw(section(0, [...u(9_000), ...many(9_000, [65])])), /^wasm.bound "9000 bytes in a name/],
    [nop, /^wasm.bound "\d+ bytes of module, at most 9"/, { moduleBytes: 9 }],
    [raw(section(1, u(1_000_000))), /^wasm.bound "1000000 types/],
    [raw(section(1, u(9_000))), /^wasm.truncated "9000 types announced/],
    [raw(section(1, vec([type(many(257, [i32]), [])]))), /^wasm.bound "257 parameters/],
    [raw(section(1, vec([type([], many(65, [i32]))]))), /^wasm.bound "65 results/],
    [
      raw(section(6, vec(Array.from({ length: 10_001 }, () => [i32, 0, 0x41, 0, 0x0b])))),
      /^wasm.bound "10001 globals/,
    ],
    [nop, /^wasm.bound "instrumented code, at most 4 bytes, function 0/, { codeBytes: 4 }],
  ];
  for (const [bytes, expected, bounds] of cases) assert.match(refusal(bytes, bounds), expected);
});
