import { crc16 } from "./crc.ts";
import { fault } from "./faults.ts";

/** How units of the protocol travel: with a header over TCP, or with a checksum over a serial line. */
export const framings = ["tcp", "rtu"] as const;
/** One of them. */
export type Framing = (typeof framings)[number];

/** A unit that came, and whose it is. */
export interface Framed {
  readonly unit: number;
  /** Number of the request that it answers; 0 on a serial line, where there is none. */
  readonly transaction: number;
  readonly pdu: Uint8Array;
}

const longestPdu = 253;

/** Frames a unit. */
export function frame(framing: Framing, unit: number, transaction: number, pdu: Uint8Array): Buffer {
  if (framing === "rtu") {
    const bytes = Buffer.alloc(pdu.length + 3);
    bytes.writeUInt8(unit, 0);
    bytes.set(pdu, 1);
    bytes.writeUInt16LE(crc16(bytes.subarray(0, pdu.length + 1)), pdu.length + 1);
    return bytes;
  }
  const bytes = Buffer.alloc(pdu.length + 7);
  bytes.writeUInt16BE(transaction, 0);
  bytes.writeUInt16BE(0, 2);
  bytes.writeUInt16BE(pdu.length + 1, 4);
  bytes.writeUInt8(unit, 6);
  bytes.set(pdu, 7);
  return bytes;
}

function tcpFrame(bytes: Buffer): { readonly framed: Framed; readonly length: number } | undefined {
  if (bytes.length < 8) return undefined;
  const length = bytes.readUInt16BE(4);
  if (bytes.readUInt16BE(2) !== 0 || length < 2 || length > longestPdu + 1)
    throw fault.form("a header of another protocol");
  if (bytes.length < length + 6) return undefined;
  const pdu = bytes.subarray(7, length + 6);
  return {
    framed: { unit: bytes.readUInt8(6), transaction: bytes.readUInt16BE(0), pdu },
    length: length + 6,
  };
}

/** Bytes of an answer on a serial line, by its beginning; undefined while that is not there. Throws `modbus.form`. */
function rtuLength(bytes: Buffer): number | undefined {
  const code = bytes[1] ?? 0;
  if (bytes.length < 2) return undefined;
  if (code & 0x80) return 5;
  if (code >= 1 && code <= 4) return bytes[2] === undefined ? undefined : 5 + bytes[2];
  if (code === 5 || code === 6 || code === 15 || code === 16) return 8;
  throw fault.form(`function ${code}`);
}

function rtuFrame(bytes: Buffer): { readonly framed: Framed; readonly length: number } | undefined {
  const length = rtuLength(bytes);
  if (length === undefined || bytes.length < length) return undefined;
  const body = bytes.subarray(0, length - 2);
  if (crc16(body) !== bytes.readUInt16LE(length - 2)) throw fault.form("the checksum is wrong");
  return { framed: { unit: body.readUInt8(0), transaction: 0, pdu: body.subarray(1) }, length };
}

/** Puts answers together from bytes as they come. */
export class Deframer {
  readonly #framing: Framing;
  #bytes = Buffer.alloc(0);

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** Whole units, in order. Throws `modbus.form`; what came before is dropped then. */
  push(bytes: Uint8Array): Framed[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const found: Framed[] = [];
    try {
      for (;;) {
        const next = this.#framing === "tcp" ? tcpFrame(this.#bytes) : rtuFrame(this.#bytes);
        if (!next) return found;
        found.push(next.framed);
        this.#bytes = this.#bytes.subarray(next.length);
      }
    } catch (thrown) {
      this.#bytes = Buffer.alloc(0);
      throw thrown;
    }
  }

  /** Drops what is not whole: on a serial line the next answer begins after a silence. */
  reset(): void {
    this.#bytes = Buffer.alloc(0);
  }
}
