import { type Indications, indicationsOf } from "./application.ts";
import { fault } from "./faults.ts";

/** What a relay is to do: stay as it is set, or act for a time; trip and close name the coil of a pair. */
export type CrobCode = "pulse-on" | "pulse-off" | "latch-on" | "latch-off" | "close" | "trip";

/** One output that an outstation is to set. */
export type Control =
  | {
      readonly kind: "crob";
      readonly index: number;
      readonly code: CrobCode;
      /** How often it is done. */
      readonly count: number;
      /** Milliseconds. */
      readonly onMs: number;
      readonly offMs: number;
    }
  | {
      readonly kind: "analog";
      readonly index: number;
      readonly type: "i32" | "i16" | "f32" | "f64";
      readonly value: number;
    };

/** Steps of a control: a selection first, which operates nothing, or at once. */
export type ControlStep = "select" | "operate" | "direct";

const functions: Readonly<Record<ControlStep, number>> = { select: 3, operate: 4, direct: 5 };
const codes: Readonly<Record<CrobCode, number>> = {
  "pulse-on": 0x01,
  "pulse-off": 0x02,
  "latch-on": 0x03,
  "latch-off": 0x04,
  close: 0x41,
  trip: 0x81,
};
const variations = { i32: 1, i16: 2, f32: 3, f64: 4 } as const;
/** First and last fragment at once. */
const whole = 0xc0;
/** A count of two bytes, and an index of two bytes before each object. */
const qualifier = 0x28;

function crobBytes({ code, count, onMs, offMs }: Extract<Control, { kind: "crob" }>): Buffer {
  const bytes = Buffer.alloc(11);
  try {
    bytes.writeUInt8(codes[code], 0);
    bytes.writeUInt8(count, 1);
    bytes.writeUInt32LE(onMs, 2);
    bytes.writeUInt32LE(offMs, 6);
  } catch (cause) {
    throw fault.control((cause as Error).message, { cause });
  }
  return bytes;
}

function analogBytes({ type, value }: Extract<Control, { kind: "analog" }>): Buffer {
  // Beyond its range a float of four bytes would be written as infinite.
  if (!Number.isFinite(type === "f32" ? Math.fround(value) : value)) throw fault.control(String(value));
  const bytes = Buffer.alloc({ i32: 5, i16: 3, f32: 5, f64: 9 }[type]);
  try {
    if (type === "i32") bytes.writeInt32LE(value);
    else if (type === "i16") bytes.writeInt16LE(value);
    else if (type === "f32") bytes.writeFloatLE(value);
    else bytes.writeDoubleLE(value);
  } catch (cause) {
    throw fault.control((cause as Error).message, { cause });
  }
  return bytes;
}

function objectOf(control: Control): Buffer {
  const { kind, index } = control;
  if (!Number.isInteger(index) || index < 0 || index > 0xffff) throw fault.control(`index ${index}`);
  const head = kind === "crob" ? [12, 1] : [41, variations[control.type]];
  const place = Buffer.from([...head, qualifier, 1, 0, 0, 0]);
  place.writeUInt16LE(index, 5);
  return Buffer.concat([place, kind === "crob" ? crobBytes(control) : analogBytes(control)]);
}

/** A request to select or operate one output (IEEE 1815-2012, 4.4). Throws `dnp3.control`. */
export function encodeControl(seq: number, step: ControlStep, control: Control): Buffer {
  return Buffer.concat([Buffer.from([whole | (seq & 15), functions[step]]), objectOf(control)]);
}

const statuses: Readonly<Record<number, string>> = {
  1: "the selection timed out",
  2: "it was not selected",
  3: "format error",
  4: "not supported",
  5: "already active",
  6: "hardware error",
  7: "it is under local control",
  8: "too many objects",
  9: "not authorised",
  10: "automation inhibit",
  11: "processing limited",
  12: "out of range",
  13: "downstream local",
  14: "already complete",
  15: "blocked",
  16: "canceled",
  17: "blocked by another master",
  18: "downstream failure",
  126: "not participating",
};
/** What may have been done all the same, in part or whole. */
const open: ReadonlySet<number> = new Set([6, 14, 16, 18]);

/** What an outstation says to a control: done, not done and why, or what tells neither. */
export interface ControlAnswer {
  readonly told: "accepted" | "refused" | "unclear";
  readonly reason: string;
  readonly indications: Indications;
}

const refusals = [
  [0x01, "the function is not supported"],
  [0x02, "there is no such object"],
  [0x04, "a parameter is wrong"],
  [0x10, "such an operation is under way"],
] as const;

/**
 * Reads the answer to a control, which has the same object with a status. Throws `dnp3.form` where it has another, so that
 * nobody knows what was understood.
 */
export function decodeControlAnswer(fragment: Uint8Array, control: Control): ControlAnswer {
  const bytes = Buffer.from(fragment);
  if (bytes.length < 4) throw fault.form("a response ends too early");
  const indications = indicationsOf(bytes);
  const refusal = refusals.find(([bit]) => (indications.raw & bit) !== 0);
  if (refusal) return { told: "refused", reason: refusal[1], indications };
  const object = bytes.subarray(4);
  const asked = objectOf(control);
  if (object.length !== asked.length || !object.subarray(0, -1).equals(asked.subarray(0, -1)))
    throw fault.form("the answer is about another control");
  const status = object.readUInt8(object.length - 1);
  if (status === 0) return { told: "accepted", reason: "", indications };
  const reason = statuses[status] ?? `status ${status}`;
  const isKnown = statuses[status] !== undefined && !open.has(status);
  return { told: isKnown ? "refused" : "unclear", reason, indications };
}
