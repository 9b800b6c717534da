import { createHash } from "node:crypto";
import { readItem } from "./cbor.ts";
import type { Copied, Export, Policy } from "./export-state.ts";

/** Name of the form of `telemetry.cbor`. */
export const exportSchema = "telemetry-export/v1";

function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 0x100) return Buffer.from([(major << 5) | 24, value]);
  const long = value >= 0x1_0000;
  const bytes = Buffer.alloc(long ? 5 : 3);
  bytes[0] = (major << 5) | (long ? 26 : 25);
  bytes.writeUIntBE(value, 1, long ? 4 : 2);
  return bytes;
}

function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([head(3, bytes.length), bytes]);
}

/** Records as CBOR items: frames as they are, lines as text strings without their newline. */
export function itemsOf(bytes: Buffer, cbor: boolean): Buffer[] {
  const items: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at);
    const end = cbor ? readItem(bytes, at)?.end : newline < 0 ? bytes.length : newline + 1;
    if (end === undefined) break;
    const record = bytes.subarray(at, end);
    items.push(cbor ? Buffer.from(record) : lineItem(record));
    at = end;
  }
  return items;
}

// What is no UTF-8 is a byte string: a text string has to be one.
function lineItem(record: Buffer): Buffer {
  const line = record.at(-1) === 10 ? record.subarray(0, -1) : record;
  return Buffer.from(line.toString("utf8")).equals(line)
    ? text(line)
    : Buffer.concat([head(2, line.length), line]);
}

/** `telemetry.cbor`: a map with the schema, the device, its segments and all their records, shortest heads. */
export function encodeExport(
  { device, segments }: Pick<Export, "device" | "segments">,
  records: readonly Buffer[],
): { readonly bytes: Buffer } & Omit<Copied, "bytes"> {
  const bytes = Buffer.concat([
    head(5, 4),
    ...[text("schema"), text(exportSchema), text("device"), text(device)],
    ...[text("segments"), head(4, segments.length), ...segments.map((seg) => text(seg))],
    ...[text("records"), head(4, records.length), ...records],
  ]);
  return { bytes, records: records.length, digest: createHash("sha256").update(bytes).digest("hex") };
}

/** `policy.toml`: one setting a line, in the order of their names. */
export function policyToml(policy: Policy): string {
  return Object.entries(policy)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
    .join("");
}
