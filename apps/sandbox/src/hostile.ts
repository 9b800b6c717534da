// Small modules with something wrong with them, written by hand, for tests alone.

function u(value: number): number[] {
  const out: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...out, rest];
    out.push((rest % 128) | 0x80);
  }
}

function section(id: number, ...content: readonly number[][]): number[] {
  const body = content.flat();
  return [id, ...u(body.length), ...body];
}

const text = (value: string) => [...u(value.length), ...Buffer.from(value)];
const module = (...sections: readonly number[][]) =>
  Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
/** Type 0 is `() -> ()`, type 1 `(i32 i32 i32 i32) -> i32`. */
const types = section(1, [2, 0x60, 0, 0, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f]);
const functions = (count: number) => section(3, u(count), Array(count).fill(0));
const start = section(7, [1, ...text("_start"), 0, 0]);
const func = (locals: readonly number[], code: readonly number[]) => {
  const body = [...locals, ...code, 0x0b];
  return [...u(body.length), ...body];
};
const code = (...bodies: readonly number[][]) => section(10, u(bodies.length), ...bodies);
const quiet = func([0], []);
const forever = func([0], [0x03, 0x40, 0x0c, 0, 0x0b]);

function custom(name: string, size: number): number[] {
  return section(0, text(name), Array(size).fill(0));
}

/** A body whose `if`s make the compiler merge the state of many locals again and again. */
function heavy(locals: number, ifs: number): number[] {
  const one = [0x20, ...u(locals - 1), 0x04, 0x40, 0x41, 1, 0x21, 0, 0x0b];
  return func([1, ...u(locals), 0x7f], Array(ifs).fill(one).flat());
}

/** Divides 0 by 0 and writes the eight bytes of the result. */
function nanBoxing(): Uint8Array {
  const zero = [0x44, 0, 0, 0, 0, 0, 0, 0, 0];
  const store = (at: number, value: number) => [0x41, at, 0x41, value, 0x36, 2, 0];
  return module(
    types,
    section(2, [1, ...text("wasi_snapshot_preview1"), ...text("fd_write"), 0, 1]),
    functions(1),
    section(5, [1, 0, 1]),
    section(7, [2, ...text("memory"), 2, 0, ...text("_start"), 0, 1]),
    code(
      func(
        [0],
        [
          ...[0x41, 32, ...zero, ...zero, 0xa3, 0x39, 3, 0],
          ...[...store(0, 32), ...store(4, 8)],
          ...[0x41, 1, 0x41, 0, 0x41, 1, 0x41, 16, 0x10, 0, 0x1a],
        ],
      ),
    ),
  );
}

/** Three lines, each in a write of its own, and then an endless loop without another word. */
function saysAndHangs(): Uint8Array {
  const line = [...Buffer.from("line one\n")];
  const write = [0x41, 1, 0x41, 0, 0x41, 1, 0x41, 8, 0x10, 0, 0x1a];
  return module(
    types,
    section(2, [1, ...text("wasi_snapshot_preview1"), ...text("fd_write"), 0, 1]),
    functions(1),
    section(5, [1, 0, 1]),
    section(7, [2, ...text("memory"), 2, 0, ...text("_start"), 0, 1]),
    code(func([0], [...write, ...write, ...write, 0x03, 0x40, 0x0c, 0, 0x0b])),
    section(
      11,
      [2, 0, 0x41, 0, 0x0b, 8, 16, 0, 0, 0, line.length, 0, 0, 0],
      [0, 0x41, 16, 0x0b, line.length, ...line],
    ),
  );
}

/** Each hostile module by what is wrong with it. */
export const hostile = {
  startLoop: module(types, functions(2), start, section(8, [1]), code(quiet, forever)),
  compileBomb: module(types, functions(200), start, code(...Array(200).fill(heavy(1000, 900)))),
  tableBomb: module(types, functions(1), section(4, [1, 0x70, 0, ...u(10_000_000)]), start, code(quiet)),
  tableGrowth: module(
    types,
    functions(1),
    section(4, [1, 0x70, 0, 1]),
    start,
    code(func([0], [0x03, 0x40, 0xd0, 0x70, 0x41, 0xff, 0, 0xfc, 15, 0, 0x1a, 0x0c, 0, 0x0b])),
  ),
  memoryBomb: module(types, functions(1), section(5, [1, 0, ...u(65_536)]), start, code(quiet)),
  hugeLocals: module(types, functions(1), start, code(func([1, ...u(4_000_000_000), 0x7f], []))),
  manyLocals: module(types, functions(16), start, code(...Array(16).fill(func([1, ...u(50_000), 0x7e], [])))),
  branchBomb: module(
    types,
    functions(1),
    start,
    code(func([0], [0x02, 0x40, 0x41, 0, 0x0e, ...u(500_000), ...Array(500_001).fill(0), 0x0b])),
  ),
  sharedMemory: module(types, functions(1), section(5, [1, 3, 1, 1]), start, code(quiet)),
  foreignImport: module(
    types,
    section(2, [1, ...text("env"), ...text("system"), 0, 0]),
    functions(1),
    code(quiet),
  ),
  nanBoxing: nanBoxing(),
  saysAndHangs: saysAndHangs(),
  truncated: module(types, functions(1), start, code(quiet)).subarray(0, 40),
  customBomb: module(...Array(5_000).fill(custom("name", 100)), types, functions(1), start, code(quiet)),
  /** Zeros make it longer than any module may be. */
  customFlood: new Uint8Array(17 * 1024 * 1024),
  noStart: module(types, functions(1), code(quiet)),
};
