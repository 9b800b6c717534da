// What the scanner knows of each instruction: the immediates that follow it, how many values it takes and gives, what it costs,
// and what it has to do with NaN. An opcode without a row is refused.

/** Immediates. */
export const Imm = {
  refused: 0,
  none: 1,
  control: 2,
  local: 3,
  global: 4,
  memarg: 5,
  memory: 6,
  i32: 7,
  i64: 8,
  f32: 9,
  f64: 10,
} as const;

/** Flags: makes a NaN whose bits V8 leaves open (of 32 or 64 bits); does not see the bits of a NaN that it takes. */
export const makesNan32 = 1;
export const makesNan64 = 2;
export const blindToNan = 4;

export const immOf = new Uint8Array(256);
export const popsOf = new Uint8Array(256);
export const pushesOf = new Uint8Array(256);
export const costOf = new Uint8Array(256);
export const flagsOf = new Uint8Array(256);

function row(from: number, to: number, imm: number, pops: number, pushes: number, cost = 1): void {
  for (let op = from; op <= to; op++) {
    immOf[op] = imm;
    popsOf[op] = pops;
    pushesOf[op] = pushes;
    costOf[op] = cost;
  }
}

function flag(value: number, ...ranges: readonly (readonly [from: number, to: number])[]): void {
  for (const [from, to] of ranges)
    for (let op = from; op <= to; op++) flagsOf[op] = (flagsOf[op] ?? 0) | value;
}

row(0x00, 0x00, Imm.control, 0, 0); // unreachable
row(0x01, 0x01, Imm.none, 0, 0, 0); // nop
row(0x02, 0x02, Imm.control, 0, 0, 0); // block
row(0x03, 0x04, Imm.control, 0, 0); // loop if
row(0x05, 0x05, Imm.control, 0, 0, 0); // else
row(0x0b, 0x0b, Imm.control, 0, 0, 0); // end
row(0x0c, 0x0d, Imm.control, 0, 0); // br br_if
row(0x0e, 0x0e, Imm.control, 0, 0, 3); // br_table
row(0x0f, 0x0f, Imm.control, 0, 0); // return
row(0x10, 0x10, Imm.control, 0, 0, 4); // call
row(0x11, 0x11, Imm.control, 0, 0, 8); // call_indirect
row(0x1a, 0x1a, Imm.none, 1, 0, 0); // drop
row(0x1b, 0x1b, Imm.none, 3, 1); // select
row(0x20, 0x20, Imm.local, 0, 1); // local.get
row(0x21, 0x21, Imm.local, 1, 0); // local.set
row(0x22, 0x22, Imm.local, 1, 1); // local.tee
row(0x23, 0x23, Imm.global, 0, 1); // global.get
row(0x24, 0x24, Imm.global, 1, 0); // global.set
row(0x28, 0x35, Imm.memarg, 1, 1, 2); // loads
row(0x36, 0x3e, Imm.memarg, 2, 0, 2); // stores
row(0x3f, 0x3f, Imm.memory, 0, 1); // memory.size
row(0x40, 0x40, Imm.memory, 1, 1, 64); // memory.grow
row(0x41, 0x41, Imm.i32, 0, 1);
row(0x42, 0x42, Imm.i64, 0, 1);
row(0x43, 0x43, Imm.f32, 0, 1);
row(0x44, 0x44, Imm.f64, 0, 1);
row(0x45, 0x45, Imm.none, 1, 1); // i32.eqz
row(0x46, 0x4f, Imm.none, 2, 1);
row(0x50, 0x50, Imm.none, 1, 1); // i64.eqz
row(0x51, 0x66, Imm.none, 2, 1); // comparisons
row(0x67, 0x69, Imm.none, 1, 1); // i32 clz ctz popcnt
row(0x6a, 0x78, Imm.none, 2, 1);
row(0x6d, 0x70, Imm.none, 2, 1, 8); // i32 div rem
row(0x79, 0x7b, Imm.none, 1, 1); // i64 clz ctz popcnt
row(0x7c, 0x8a, Imm.none, 2, 1);
row(0x7f, 0x82, Imm.none, 2, 1, 12); // i64 div rem
row(0x8b, 0x90, Imm.none, 1, 1, 2); // f32 abs to nearest
row(0x91, 0x91, Imm.none, 1, 1, 8); // f32.sqrt
row(0x92, 0x98, Imm.none, 2, 1, 2);
row(0x95, 0x95, Imm.none, 2, 1, 6); // f32.div
row(0x99, 0x9e, Imm.none, 1, 1, 2); // f64 abs to nearest
row(0x9f, 0x9f, Imm.none, 1, 1, 8); // f64.sqrt
row(0xa0, 0xa6, Imm.none, 2, 1, 2);
row(0xa3, 0xa3, Imm.none, 2, 1, 6); // f64.div
row(0xa7, 0xbf, Imm.none, 1, 1); // conversions
row(0xc0, 0xc4, Imm.none, 1, 1); // sign extension
row(0xfc, 0xfc, Imm.control, 0, 0); // saturating conversions and bulk memory

flag(makesNan32, [0x8d, 0x97], [0xb6, 0xb6]);
flag(makesNan64, [0x9b, 0xa5], [0xbb, 0xbb]);
flag(blindToNan, [0x8d, 0x97], [0xb6, 0xb6], [0x9b, 0xa5], [0xbb, 0xbb]);
flag(blindToNan, [0x5b, 0x66], [0xa8, 0xab], [0xae, 0xb1], [0x1a, 0x1a]);

const refusals: readonly (readonly [from: number, to: number, feature: string])[] = [
  [0x06, 0x0a, "exception handling"],
  [0x12, 0x13, "tail calls"],
  [0x14, 0x15, "typed function references"],
  [0x18, 0x19, "exception handling"],
  [0x1c, 0x1c, "reference types (typed select)"],
  [0x1f, 0x1f, "exception handling"],
  [0x25, 0x26, "reference types (table.get, table.set)"],
  [0xd0, 0xd6, "reference types"],
  [0xfb, 0xfb, "garbage collection"],
];

/** What an opcode that is not admitted belongs to. */
export function featureOf(op: number): string {
  const found = refusals.find(([from, to]) => op >= from && op <= to);
  return found ? found[2] : `unknown opcode 0x${op.toString(16).padStart(2, "0")}`;
}
