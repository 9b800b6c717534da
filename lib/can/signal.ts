import { faults } from "@skep/fault";

const fault = faults("can", {
  signal: ["invalid", "Cannot place signal in such a frame"],
  value: ["invalid", "Cannot write this value into the signal"],
});

/** Which end of a signal its start bit is: the least significant one, or (Motorola) the most. */
export type ByteOrder = "little" | "big";

/** A number in a frame, with the bit numbers of DBC files: bit n is bit n % 8 of byte n / 8. */
export interface Signal {
  readonly start: number;
  /** Bits, 1 to 52. */
  readonly length: number;
  readonly order: ByteOrder;
  readonly signed: boolean;
  readonly scale: number;
  readonly offset: number;
}

/** Numbers of the signal's bits, the least significant one first. Throws `can.signal`. */
function bitsOf({ start, length, order }: Signal, bytes: number): number[] {
  const inside = (bit: number): boolean => Number.isInteger(bit) && bit >= 0 && bit < bytes * 8;
  if (!Number.isInteger(length) || length < 1 || length > 52 || !inside(start))
    throw fault.signal(`${start}|${length}`);
  const bits = Array.from({ length }, (_, at) => start + at);
  if (order === "big") {
    // Downwards in a byte, and on at the top of the next.
    let bit = start;
    for (let at = 0; at < length; at += 1) {
      bits[length - 1 - at] = bit;
      bit = bit % 8 === 0 ? bit + 15 : bit - 1;
    }
  }
  if (!bits.every(inside)) throw fault.signal(`${start}|${length} in ${bytes} bytes`);
  return bits;
}

/** The value of a signal. Throws `can.signal` where the frame is too short for it. */
export function decodeSignal(signal: Signal, data: Uint8Array): number {
  let raw = 0;
  for (const bit of bitsOf(signal, data.length).toReversed())
    raw = raw * 2 + (((data[bit >> 3] ?? 0) >> (bit & 7)) & 1);
  if (signal.signed && raw >= 2 ** (signal.length - 1)) raw -= 2 ** signal.length;
  return raw * signal.scale + signal.offset;
}

/** Writes the nearest raw value into a copy of the data. Throws `can.signal`, `can.value`. */
export function encodeSignal(signal: Signal, value: number, data: Uint8Array): Uint8Array {
  const { length, signed, scale, offset } = signal;
  const near = Math.round((value - offset) / scale);
  const [least, top] = signed ? [-(2 ** (length - 1)), 2 ** (length - 1) - 1] : [0, 2 ** length - 1];
  if (!Number.isFinite(near) || near < least || near > top) throw fault.value(String(value));
  let raw = near < 0 ? near + 2 ** length : near;
  const made = Uint8Array.from(data);
  for (const bit of bitsOf(signal, data.length)) {
    const mask = 1 << (bit & 7);
    made[bit >> 3] = raw % 2 === 1 ? (made[bit >> 3] ?? 0) | mask : (made[bit >> 3] ?? 0) & ~mask;
    raw = Math.floor(raw / 2);
  }
  return made;
}
