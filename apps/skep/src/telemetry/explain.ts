import { createHash } from "node:crypto";
import { envelopeSchema, readItem } from "@skep/provider-telemetry";
import type { RemoteSegment } from "./device.ts";

/** One record of a segment, in words. */
export interface Explained {
  /** Offset of its first byte. */
  readonly at: number;
  readonly bytes: number;
  /** `line`, `envelope`, `frame` or `item`. */
  readonly form: string;
  readonly source: string;
  readonly seq: number | null;
  /** How it begins. */
  readonly shows: string;
}

/** What holds of a segment as a whole. */
export interface Standing {
  readonly anchored: "yes" | "not yet" | "no: its bytes have another digest";
  /** Sequence of the journal's record; 0 where there is none. */
  readonly anchor: number;
}

const shown = 60;

function explainLine(line: Buffer, at: number): Explained {
  const text = line.toString("utf8").replace(/\n$/, "");
  const plain = { at, bytes: line.length, form: "line", source: "", seq: null, shows: text.slice(0, shown) };
  if (!text.includes(envelopeSchema)) return plain;
  try {
    const { source, seq, payload } = JSON.parse(text) as { source?: string; seq: number; payload: string };
    return { ...plain, form: "envelope", source: source ?? "", seq, shows: payload.slice(0, shown) };
  } catch {
    return plain;
  }
}

function explainItem(bytes: Buffer, at: number): Explained | undefined {
  const item = readItem(bytes, at);
  if (!item) return undefined;
  const { members, end } = item;
  const seq = members.get("seq");
  return {
    at,
    bytes: end - at,
    form: members.has("schema") ? "frame" : "item",
    source: String(members.get("worker_id") ?? ""),
    seq: typeof seq === "number" ? seq : null,
    shows: bytes.toString("hex", at, Math.min(end, at + shown / 2)),
  };
}

/** The records of a segment, one after the other. */
export function explainRecords(bytes: Buffer, mime: string): Explained[] {
  const found: Explained[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at) + 1 || bytes.length;
    const one =
      mime === "application/cbor" ? explainItem(bytes, at) : explainLine(bytes.subarray(at, end), at);
    if (!one) break;
    found.push(one);
    at += one.bytes;
  }
  return found;
}

/** Whether the journal vouches for these bytes. */
export function standingOf(bytes: Buffer, { state, digest, anchor }: RemoteSegment): Standing {
  if (state !== "sealed") return { anchored: "not yet", anchor: 0 };
  const same = createHash("sha256").update(bytes).digest("hex") === digest;
  return { anchored: same ? "yes" : "no: its bytes have another digest", anchor };
}
