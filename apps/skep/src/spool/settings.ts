import { crc32 } from "node:zlib";
import type { Files } from "@skep/kernel";

const magic = 0x42414b53; // "SKAB"
const head = 24;
const slots = ["a", "b"] as const;

interface Slot {
  readonly counter: number;
  readonly value: unknown;
}

function print(counter: number, value: unknown): Buffer {
  const payload = Buffer.from(JSON.stringify(value));
  const bytes = Buffer.alloc(head + payload.length);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(1, 4);
  bytes.writeBigUInt64LE(BigInt(counter), 8);
  bytes.writeUInt32LE(payload.length, 16);
  payload.copy(bytes, head);
  bytes.writeUInt32LE(crc32(payload, crc32(bytes.subarray(0, 20))), 20);
  return bytes;
}

function parse(bytes: Buffer): Slot | undefined {
  if (bytes.length < head || bytes.readUInt32LE(0) !== magic || bytes.readUInt32LE(4) !== 1) return undefined;
  const payload = bytes.subarray(head);
  if (payload.length !== bytes.readUInt32LE(16)) return undefined;
  if (crc32(payload, crc32(bytes.subarray(0, 20))) !== bytes.readUInt32LE(20)) return undefined;
  return { counter: Number(bytes.readBigUInt64LE(8)), value: JSON.parse(payload.toString("utf8")) };
}

/**
 * One small value in two slots, each with a counter and a CRC-32. A write goes to the older slot, so that the newer one
 * stands whatever a power cut leaves of it.
 */
export class Settings<T> {
  readonly #files: Files;
  readonly #name: string;
  #counter: number;
  #value: T;
  #last: Promise<void> = Promise.resolve();

  private constructor(files: Files, name: string, counter: number, value: T) {
    this.#files = files;
    this.#name = name;
    this.#counter = counter;
    this.#value = value;
  }

  /** Reads the newer whole slot; `initial` where there is none, which is then written. */
  static async open<T>(files: Files, name: string, initial: () => T): Promise<Settings<T>> {
    const found: Slot[] = [];
    for (const slot of slots) {
      const file = `${name}.${slot}`;
      const size = await files.size(file);
      const read = size === undefined ? undefined : parse(Buffer.from(await files.read(file, 0, size)));
      if (read) found.push(read);
    }
    const [newest] = found.sort((one, other) => other.counter - one.counter);
    const made = new Settings<T>(files, name, newest?.counter ?? 0, newest ? (newest.value as T) : initial());
    if (!newest) await made.set(made.value);
    return made;
  }

  get value(): T {
    return this.#value;
  }

  /** Resolves when the value is durable. */
  set(value: T): Promise<void> {
    const done = this.#last
      .catch(() => undefined)
      .then(async () => {
        const counter = this.#counter + 1;
        await this.#files.replace(`${this.#name}.${slots[counter % 2]}`, print(counter, value));
        this.#counter = counter;
        this.#value = value;
      });
    this.#last = done;
    return done;
  }
}
