import { decodeDecimal, decodeHash, decodeText, encodeBase64 } from "./encoding.ts";
import { fault } from "./faults.ts";
import { checkSize, hashSize } from "./hash.ts";
import type { WitnessRecord } from "./witness.ts";

const header = "skep-witness-record v1";

/** What a witness keeps of one log, with the log's origin. */
export interface StoredWitnessRecord extends WitnessRecord {
  readonly origin: string;
}

/** The record as the text of one small file, to be replaced whole before the cosignature leaves. */
export function printWitnessRecord({ origin, size, root, time }: StoredWitnessRecord): string {
  checkSize(size);
  checkSize(time);
  if (root.length !== hashSize) throw fault.hash(root.length);
  if (origin === "" || /[\0-\x1f]/.test(origin) || !origin.isWellFormed()) throw fault.record("origin");
  return `${[header, origin, size, encodeBase64(root), time].join("\n")}\n`;
}

/**
 * Reads it back; throws `tlog.record` for anything else. A witness that cannot read its record must not cosign for that
 * log: beginning anew would sign a second history.
 */
export function parseWitnessRecord(source: string | Uint8Array): StoredWitnessRecord {
  const [first, origin = "", sizeLine = "", rootLine = "", timeLine = "", ...rest] =
    decodeText(source)?.split("\n") ?? [];
  const size = decodeDecimal(sizeLine);
  const root = decodeHash(rootLine);
  const time = decodeDecimal(timeLine);
  const whole = first === header && origin !== "" && rest.length === 1 && rest[0] === "";
  if (!whole || size === undefined || !root || time === undefined) throw fault.record();
  return { origin, size, root, time };
}
