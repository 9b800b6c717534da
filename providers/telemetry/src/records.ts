import { faults } from "@skep/fault";
import { z } from "zod";
import { readItem } from "./cbor.ts";
import type { Segment } from "./state.ts";

/** Name of the envelope of the original, version 1. */
export const envelopeSchema = "cohsh-telemetry-push/v1";
/** Name of a frame of the original in CBOR. */
export const frameSchema = "telemetry-frame/v1";

export const fault = faults("telemetry", {
  record: ["oversize", "Cannot take a record that is longer than the limit", { detail: "invalid-payload" }],
  envelope: ["invalid", "Cannot take this envelope", { detail: "invalid-payload" }],
  cbor: ["invalid", "Cannot take bytes that are no CBOR item", { detail: "invalid-payload" }],
  full: [
    "quota",
    "Cannot append: the segment is full",
    { cure: 'Open another: append {"new":"segment","mime":"text/plain"} to the `ctl` of the device' },
  ],
  sealed: ["conflict", "Cannot append to a segment that is sealed", { detail: "denied" }],
  broken: [
    "corrupt",
    "Cannot append to a segment whose file failed",
    { cure: "Open another; what was acknowledged is kept" },
  ],
  standing: ["busy", "Cannot take telemetry while the hive stands still"],
});

/** An envelope; `source` and `seq` together tell a record from every other of the device. */
const Envelope = z
  .strictObject({
    schema: z.literal(envelopeSchema),
    seq: z.int().min(1),
    mime: z.string().min(1).max(128),
    payload: z.string(),
    source: z
      .string()
      .regex(/^[\w.:-]{1,64}$/)
      .optional(),
  })
  .meta({ id: "TelemetryEnvelope" });

/** One record of what was written. */
export interface Parsed {
  /** As it is kept, its newline included. */
  readonly bytes: Buffer;
  /** Bytes of what was written that it took. */
  readonly taken: number;
  /** Who numbers it; undefined for a record that nobody numbered. */
  readonly source: string | undefined;
  readonly seq: number;
}

function lineOf(bytes: Buffer, taken: number): Parsed {
  const text = bytes.toString("utf8");
  // Only what says that it is an envelope has to be one.
  if (!text.startsWith("{") || !text.includes(envelopeSchema))
    return { bytes, taken, source: undefined, seq: 0 };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault.envelope("not one JSON object");
  }
  const read = Envelope.safeParse(value);
  if (!read.success) throw fault.envelope(read.error.issues[0]?.message);
  return { bytes, taken, source: read.data.source, seq: read.data.seq };
}

function nextLine(bytes: Buffer, at: number): Parsed {
  const end = bytes.indexOf(10, at);
  if (end >= 0) return lineOf(bytes.subarray(at, end + 1), end + 1 - at);
  return lineOf(Buffer.concat([bytes.subarray(at), Buffer.from("\n")]), bytes.length - at);
}

function nextFrame(bytes: Buffer, at: number): Parsed {
  const item = readItem(bytes, at);
  if (!item) throw fault.cbor();
  const { members, end } = item;
  const worker = members.get("worker_id");
  const seq = members.get("seq");
  const known = members.get("schema") === frameSchema && typeof seq === "number" && seq > 0;
  return {
    bytes: bytes.subarray(at, end),
    taken: end - at,
    source: known && typeof worker === "string" ? `frame:${worker}` : undefined,
    seq: known ? (seq as number) : 0,
  };
}

/** The record that begins at an offset: a line, or a CBOR item. Throws `telemetry.{envelope,cbor,record}`. */
export function recordAt(bytes: Buffer, at: number, mime: Segment["mime"], most: number): Parsed {
  const found = mime === "application/cbor" ? nextFrame(bytes, at) : nextLine(bytes, at);
  if (found.bytes.length > most) throw fault.record(`${found.bytes.length} of at most ${most} bytes`);
  return found;
}
