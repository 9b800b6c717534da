/** How a LoRa radio sends: what decides for how long a payload is on the air. */
export type Modulation = {
  /** Spreading factor, 6 to 12. */
  readonly sf: number;
  /** Bandwidth, kilohertz. */
  readonly bw: number;
  /** Coding rate 4/n, 5 to 8. */
  readonly cr: number;
  /** Symbols of the preamble, without the 4.25 that the radio adds. */
  readonly preamble: number;
};

/** By its modulation, or as the original counts it: a millisecond for each byte. */
export type Airtime = Modulation | "bytes";

/**
 * Time on the air of a payload of so many bytes, whole milliseconds, rounded up. Explicit header and CRC, and the low data
 * rate optimisation for symbols of 16 ms and more (Semtech AN1200.13, 4).
 */
export function airtimeMs(how: Airtime, bytes: number): number {
  if (how === "bytes") return bytes;
  const { sf, bw, cr, preamble } = how;
  const symbolMs = 2 ** sf / bw;
  const slow = symbolMs >= 16 ? 2 : 0;
  const coded = Math.ceil((8 * bytes - 4 * sf + 28 + 16) / (4 * (sf - slow)));
  const symbols = 8 + Math.max(0, coded) * cr;
  return Math.ceil((preamble + 4.25 + symbols) * symbolMs);
}
