import { faults } from "@skep/fault";

const fault = faults("tar", {
  name: ["invalid", "Cannot put file into the archive: its name is too long"],
  foreign: ["invalid", "Cannot read archive: this is none", { cure: "Name a file that `skep backup` wrote" }],
  short: [
    "corrupt",
    "Cannot read archive: it ends too early",
    { cure: "Copy it once more, or take another backup" },
  ],
  header: [
    "corrupt",
    "Cannot read archive: a header is damaged",
    { cure: "Copy it once more, or take another backup" },
  ],
  size: ["failed", "Cannot put file into the archive: it changed while it was read"],
});

/** One file of an archive. */
export interface TarEntry {
  readonly name: string;
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Exactly `size` bytes; to be read before the next entry is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

const block = 512;
const padding = (size: number): number => (block - (size % block)) % block;

function putNumber(header: Buffer, at: number, length: number, value: number): void {
  const text = value.toString(8);
  if (text.length < length) {
    header.write(`${text.padStart(length - 1, "0")}\0`, at, "latin1");
    return;
  }
  // Base 256, as GNU and pax readers take it, where octal has no room.
  header[at] = 0x80;
  header.writeBigUInt64BE(BigInt(value), at + length - 8);
}

function splitName(name: string): readonly [string, string] {
  if (Buffer.byteLength(name) <= 100) return ["", name];
  for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
    const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(rest) <= 100) return [prefix, rest];
  }
  throw fault.name(name);
}

function sumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte;
  return sum;
}

function headerOf({ name, size, mode }: Omit<TarEntry, "body">): Buffer {
  const header = Buffer.alloc(block);
  const [prefix, rest] = splitName(name);
  header.write(rest, 0);
  putNumber(header, 100, 8, mode);
  putNumber(header, 108, 8, 0);
  putNumber(header, 116, 8, 0);
  putNumber(header, 124, 12, size);
  putNumber(header, 136, 12, 0);
  header.write("0", 156);
  header.write("ustar\0" + "00", 257, "latin1");
  header.write(prefix, 345);
  header.write(`${sumOf(header).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

/** The bytes of a POSIX ustar archive of these files, in order. Times and owners are left out. */
export async function* writeTar(entries: AsyncIterable<TarEntry>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    yield headerOf(entry);
    let left = entry.size;
    for await (const bytes of entry.body) {
      left -= bytes.length;
      if (left < 0) throw fault.size(entry.name);
      yield bytes;
    }
    if (left > 0) throw fault.size(entry.name);
    if (padding(entry.size) > 0) yield Buffer.alloc(padding(entry.size));
  }
  yield Buffer.alloc(2 * block);
}

/** Takes so many bytes at a time from pieces of any size. */
class Taker {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** At least one byte and at most `most`; nothing at the end. */
  async some(most: number): Promise<Uint8Array> {
    while (this.#held.length === 0) {
      const next = await this.#pieces.next();
      if (next.done) return new Uint8Array(0);
      this.#held = next.value;
    }
    const given = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(given.length);
    return given;
  }

  async *exactly(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      const bytes = await this.some(left);
      if (bytes.length === 0) throw fault.short();
      left -= bytes.length;
      yield bytes;
    }
  }

  async whole(count: number): Promise<Buffer> {
    return Buffer.concat(await Array.fromAsync(this.exactly(count)));
  }
}

function textAt(header: Buffer, at: number, length: number): string {
  const bytes = header.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? length : end);
}

function numberAt(header: Buffer, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) !== 0) return Number(header.readBigUInt64BE(at + length - 8));
  return Number.parseInt(textAt(header, at, length).trim() || "0", 8);
}

/** The files of a ustar archive, in order. Throws `tar.*` for anything else than regular files. */
export async function* readTar(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const taker = new Taker(pieces);
  for (let first = true; ; first = false) {
    const header = await taker.whole(block).catch((thrown) => {
      throw first ? fault.foreign(undefined, { cause: thrown }) : thrown;
    });
    if (header.every((byte) => byte === 0)) return;
    const kind = textAt(header, 156, 1);
    if (sumOf(header) !== numberAt(header, 148, 8) || (kind !== "0" && kind !== ""))
      throw first ? fault.foreign() : fault.header();
    const prefix = textAt(header, 345, 155);
    const name = (prefix === "" ? "" : `${prefix}/`) + textAt(header, 0, 100);
    const size = numberAt(header, 124, 12);
    let left = size;
    async function* body(): AsyncGenerator<Uint8Array> {
      for await (const bytes of taker.exactly(size)) {
        left -= bytes.length;
        yield bytes;
      }
    }
    yield { name, size, mode: numberAt(header, 100, 8), body: body() };
    for await (const _ of taker.exactly(left + padding(size)));
  }
}
