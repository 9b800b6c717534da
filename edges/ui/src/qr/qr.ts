import { correction } from "./field.ts";
import { alignments, capacity, type Level, levels, room, sideOf } from "./size.ts";

/** A square of dark and light modules, row by row. */
export interface Code {
  readonly side: number;
  readonly version: number;
  readonly level: Level;
  isDark(x: number, y: number): boolean;
}

// Eight-bit bytes, as they are: four bits say so, then their count.
const head = (version: number): number => (version < 10 ? 12 : 20);

function smallest(length: number): { readonly version: number; readonly level: Level } | undefined {
  for (const level of ["medium", "low"] as const)
    for (let version = 1; version <= 40; version += 1)
      if (head(version) + 8 * length <= 8 * capacity(version, level)) return { version, level };
  return undefined;
}

/** Data as the standard packs it: kind, count, bytes, an end, then filling. */
function packed(bytes: Uint8Array, version: number, level: Level): Uint8Array {
  const made = new Uint8Array(capacity(version, level));
  let at = 0;
  const put = (value: number, bits: number): void => {
    for (let bit = bits - 1; bit >= 0; bit -= 1, at += 1)
      if ((value >> bit) & 1) made[at >> 3] = (made[at >> 3] ?? 0) | (0x80 >> (at & 7));
  };
  put(4, 4);
  put(bytes.length, head(version) - 4);
  for (const byte of bytes) put(byte, 8);
  const used = Math.ceil(Math.min(8 * made.length, at + 4) / 8);
  for (let rest = used; rest < made.length; rest += 1) made[rest] = (rest - used) % 2 === 0 ? 0xec : 0x11;
  return made;
}

/** Blocks with their correction, and byte by byte in turns, so that a smudge spoils a little of each. */
function woven(data: Uint8Array, version: number, level: Level): Uint8Array {
  const count = levels[level].blocks[version - 1] ?? 1;
  const degree = levels[level].bytes[version - 1] ?? 0;
  const short = Math.floor(data.length / count);
  const long = data.length % count;
  const parts: Uint8Array[] = [];
  for (let at = 0, block = 0; block < count; block += 1) {
    const size = short + (block >= count - long ? 1 : 0);
    parts.push(data.subarray(at, at + size));
    at += size;
  }
  const checks = parts.map((part) => correction(part, degree));
  const made = new Uint8Array(room(version));
  let at = 0;
  for (const [group, length] of [[parts, short + 1] as const, [checks, degree] as const])
    for (let row = 0; row < length; row += 1)
      for (const part of group) {
        const byte = part[row];
        if (byte === undefined) continue;
        made[at] = byte;
        at += 1;
      }
  return made;
}

/** The remainder that the format and the version are followed by. */
function remainder(value: number, bits: number, divisor: number): number {
  let rest = value << bits;
  for (let at = 31 - Math.clz32(rest); at >= bits; at -= 1)
    if ((rest >> at) & 1) rest ^= divisor << (at - bits);
  return rest;
}

const masks: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

class Grid implements Code {
  readonly side: number;
  readonly version: number;
  readonly level: Level;
  readonly #dark: Uint8Array;
  readonly #fixed: Uint8Array;

  constructor(version: number, level: Level) {
    this.side = sideOf(version);
    this.version = version;
    this.level = level;
    this.#dark = new Uint8Array(this.side * this.side);
    this.#fixed = new Uint8Array(this.side * this.side);
    this.#patterns();
  }

  isDark(x: number, y: number): boolean {
    return this.#dark[y * this.side + x] === 1;
  }

  #set(x: number, y: number, isDark: boolean): void {
    if (x < 0 || y < 0 || x >= this.side || y >= this.side) return;
    this.#dark[y * this.side + x] = isDark ? 1 : 0;
    this.#fixed[y * this.side + x] = 1;
  }

  // Rings around a middle: dark where the way to it is one of those.
  #rings(x: number, y: number, reach: number, dark: readonly number[]): void {
    for (let dy = -reach; dy <= reach; dy += 1)
      for (let dx = -reach; dx <= reach; dx += 1)
        this.#set(x + dx, y + dy, dark.includes(Math.max(Math.abs(dx), Math.abs(dy))));
  }

  #patterns(): void {
    const { side, version } = this;
    for (let at = 0; at < side; at += 1) {
      this.#set(6, at, at % 2 === 0);
      this.#set(at, 6, at % 2 === 0);
    }
    const places = alignments(version);
    const last = places.at(-1);
    for (const x of places)
      for (const y of places)
        if (!((x === 6 && (y === 6 || y === last)) || (y === 6 && x === last))) this.#rings(x, y, 2, [0, 2]);
    for (const [x, y] of [
      [3, 3],
      [side - 4, 3],
      [3, side - 4],
    ] as const)
      this.#rings(x, y, 4, [0, 1, 3]);
    this.format(0);
    if (version < 7) return;
    const bits = (version << 12) | remainder(version, 12, 0x1f25);
    for (let at = 0; at < 18; at += 1) {
      const [near, far] = [Math.floor(at / 3), side - 11 + (at % 3)];
      this.#set(near, far, ((bits >> at) & 1) === 1);
      this.#set(far, near, ((bits >> at) & 1) === 1);
    }
  }

  /** Writes twice which mask is on and how much is corrected. */
  format(mask: number): void {
    const data = (levels[this.level].bits << 3) | mask;
    const bits = ((data << 10) | remainder(data, 10, 0x537)) ^ 0x5412;
    const isSet = (at: number): boolean => ((bits >> at) & 1) === 1;
    const { side } = this;
    for (let at = 0; at < 15; at += 1) {
      // Around the first corner, past the timing lines; and shared by the two others.
      const past = at < 6 ? at : at < 8 ? at + 1 : at;
      if (at < 8) this.#set(8, past, isSet(at));
      else this.#set(at === 8 ? 7 : 14 - at, 8, isSet(at));
      if (at < 8) this.#set(side - 1 - at, 8, isSet(at));
      else this.#set(8, side - 15 + at, isSet(at));
    }
    this.#set(8, side - 8, true);
  }

  /** Lays bytes two columns at a time from the lower right corner on, up and down in turns. */
  lay(bytes: Uint8Array): void {
    const { side } = this;
    let at = 0;
    for (let right = side - 1, turn = 0; right > 0; right -= right === 8 ? 3 : 2, turn += 1)
      for (let step = 0; step < 2 * side; step += 1) {
        const row = step >> 1;
        const place = (turn % 2 === 0 ? side - 1 - row : row) * side + right - (step & 1);
        if (this.#fixed[place] === 1) continue;
        this.#dark[place] = ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
        at += 1;
      }
  }

  mask(number: number): void {
    const isOn = masks[number] ?? (() => false);
    for (let y = 0; y < this.side; y += 1)
      for (let x = 0; x < this.side; x += 1) {
        const place = y * this.side + x;
        if (this.#fixed[place] === 0 && isOn(x, y)) this.#dark[place] = (this.#dark[place] ?? 0) ^ 1;
      }
  }

  /** What makes a code hard to read, as the standard counts it: the fewer the better. */
  penalty(): number {
    const { side } = this;
    let found = 0;
    for (let a = 0; a < side; a += 1) {
      let [row, column] = ["", ""];
      for (let b = 0; b < side; b += 1) {
        row += this.isDark(b, a) ? "1" : "0";
        column += this.isDark(a, b) ? "1" : "0";
        if (a > 0 && b > 0 && this.#isBlock(a, b)) found += 3;
      }
      found += hardness(row) + hardness(column);
    }
    const dark = this.#dark.reduce((sum, one) => sum + one, 0);
    return found + 10 * Math.floor(Math.abs((20 * dark) / (side * side) - 10));
  }

  #isBlock(x: number, y: number): boolean {
    const one = this.isDark(x, y);
    return (
      one === this.isDark(x - 1, y) && one === this.isDark(x, y - 1) && one === this.isDark(x - 1, y - 1)
    );
  }
}

function hardness(line: string): number {
  let found = 0;
  for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) found += run.length - 2;
  // What looks like a corner.
  for (const _ of line.matchAll(/(?=10111010000|00001011101)/g)) found += 40;
  return found;
}

/**
 * A text as a QR code (ISO/IEC 18004, bytes of UTF-8), as small as it can be: its correction is medium where that has room
 * and low where not. Undefined beyond 2,953 bytes, which no code holds.
 */
export function codeOf(text: string): Code | undefined {
  const bytes = new TextEncoder().encode(text);
  const size = smallest(bytes.length);
  if (!size) return undefined;
  const grid = new Grid(size.version, size.level);
  grid.lay(woven(packed(bytes, size.version, size.level), size.version, size.level));
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let mask = 0; mask < masks.length; mask += 1) {
    grid.mask(mask);
    grid.format(mask);
    const penalty = grid.penalty();
    if (penalty < least) [best, least] = [mask, penalty];
    grid.mask(mask);
  }
  grid.mask(best);
  grid.format(best);
  return grid;
}
