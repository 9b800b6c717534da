import { crcDnp } from "./crc.ts";
import { fault } from "./faults.ts";

/** One frame of the link layer (IEEE 1815-2012, 9.2.4). */
export interface LinkFrame {
  /** Direction, primary, two flags and the function. */
  readonly control: number;
  readonly destination: number;
  readonly source: number;
  readonly payload: Uint8Array;
}

const start = [0x05, 0x64] as const;
const headBytes = 10;
const blockBytes = 16;
const mostPayload = 250;

function checked(bytes: Uint8Array): Buffer {
  const made = Buffer.alloc(bytes.length + 2);
  made.set(bytes);
  made.writeUInt16LE(crcDnp(bytes), bytes.length);
  return made;
}

/** Frames a payload of at most 250 bytes. Throws `dnp3.long`. */
export function linkFrame({ control, destination, source, payload }: LinkFrame): Buffer {
  if (payload.length > mostPayload) throw fault.long(`${payload.length} bytes`);
  const head = Buffer.from([...start, payload.length + 5, control, 0, 0, 0, 0]);
  head.writeUInt16LE(destination, 4);
  head.writeUInt16LE(source, 6);
  const parts = [checked(head)];
  for (let at = 0; at < payload.length; at += blockBytes)
    parts.push(checked(payload.subarray(at, at + blockBytes)));
  return Buffer.concat(parts);
}

const isWhole = (bytes: Buffer): boolean =>
  crcDnp(bytes.subarray(0, -2)) === bytes.readUInt16LE(bytes.length - 2);

const bytesOf = (payload: number): number => headBytes + payload + 2 * Math.ceil(payload / blockBytes);

function payloadOf(bytes: Buffer, length: number): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = headBytes, left = length; left > 0; left -= blockBytes) {
    const block = bytes.subarray(at, at + Math.min(left, blockBytes) + 2);
    if (!isWhole(block)) return undefined;
    parts.push(block.subarray(0, -2));
    at += block.length;
  }
  return Buffer.concat(parts);
}

/** Finds frames in bytes as they come; what is none is passed over, as on a noisy line. */
export class LinkDeframer {
  #bytes = Buffer.alloc(0);
  /** Bytes that were passed over. */
  skipped = 0;

  push(bytes: Uint8Array): LinkFrame[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const found: LinkFrame[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) if (next) found.push(next);
    return found;
  }

  #drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
  }

  #skip(count: number): null {
    this.skipped += count;
    this.#drop(count);
    return null;
  }

  /** A frame; null where something was passed over; undefined where more has to come. */
  #next(): LinkFrame | null | undefined {
    const bytes = this.#bytes;
    if (bytes.length < headBytes) return undefined;
    const at = bytes.indexOf(Buffer.from(start));
    // The last byte may be the first of a start.
    if (at !== 0) return this.#skip(at < 0 ? bytes.length - (bytes.at(-1) === start[0] ? 1 : 0) : at);
    const length = bytes.readUInt8(2);
    if (length < 5 || !isWhole(bytes.subarray(0, headBytes))) return this.#skip(start.length);
    const whole = bytesOf(length - 5);
    if (bytes.length < whole) return undefined;
    const payload = payloadOf(bytes, length - 5);
    if (!payload) return this.#skip(start.length);
    const frame: LinkFrame = {
      control: bytes.readUInt8(3),
      destination: bytes.readUInt16LE(4),
      source: bytes.readUInt16LE(6),
      payload,
    };
    this.#drop(whole);
    return frame;
  }
}
