import { createHash } from "node:crypto";
import { fault } from "../faults.ts";

/**
 * A place in a stream: `<start>.<offset>.<length>.<digest>`. Offsets hold while the program runs; after another start
 * the bytes before the place, by their digest, show where it is in what the stream was made of anew.
 */
export interface Cursor {
  /** Which start of the program the offset is of. */
  readonly born: string;
  readonly offset: number;
  /** How many bytes before the place the digest is of. */
  readonly length: number;
  readonly digest: string;
}

const form = /^([0-9a-z]{1,16})\.(\d{1,15})\.(\d{1,4})\.([0-9a-f]{16}|-)$/;
const most = 256;

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

/** Reads a cursor. Throws `http.cursor`. */
export function parseCursor(text: string): Cursor {
  const found = form.exec(text);
  if (!found) throw fault.cursor(text);
  const [, born = "", offset = "", length = "", told = ""] = found;
  if (Number(length) > most) throw fault.cursor(text);
  return { born, offset: Number(offset), length: Number(length), digest: told };
}

/** The cursor behind some bytes. */
export function cursorAfter(born: string, offset: number, before: Uint8Array): string {
  const tail = before.subarray(Math.max(0, before.length - most));
  return `${born}.${offset}.${tail.length}.${tail.length === 0 ? "-" : digest(tail)}`;
}

/** Index behind the last place of `bytes` at the end of a line where the cursor fits, or -1. */
export function findCursor(bytes: Uint8Array, { length, digest: wanted }: Cursor): number {
  if (length === 0) return -1;
  for (let at = bytes.length; at >= length; at -= 1) {
    if (at !== bytes.length && bytes[at - 1] !== 10) continue;
    if (digest(bytes.subarray(at - length, at)) === wanted) return at;
  }
  return -1;
}
