// The sandboxed side of the two pipes: everything waits.
import { readSync, writeSync } from "node:fs";
import { chunkBytes, encode, type Frame, headBytes } from "./frames.ts";

export const empty: Buffer = Buffer.alloc(0);

/** What came in and was not asked for yet: small frames come together, with one call. */
const incoming: Buffer = Buffer.allocUnsafe(chunkBytes);
let from = 0;
let to = 0;

function readInto(bytes: Buffer, at: number): number {
  const got = readSync(0, bytes, at, bytes.length - at, null);
  if (got === 0) process.exit(0);
  return got;
}

function take(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; ) {
    if (from < to) {
      const copied = incoming.copy(bytes, at, from, Math.min(to, from + size - at));
      from += copied;
      at += copied;
    } else if (size - at >= incoming.length) at += readInto(bytes, at);
    else {
      from = 0;
      to = readInto(incoming, 0);
    }
  }
  return bytes;
}

/** Whether the next frame is here already and of this kind. */
export function isNext(kind: number): boolean {
  return from < to && incoming[from] === kind;
}

/** The next frame; ends the process where there will be none. */
export function receive(): Frame {
  const head = take(headBytes);
  const length = head.readUInt32LE(1);
  return { kind: head[0] ?? 0, payload: length ? take(length) : empty };
}

export function send(kind: number, payload: Uint8Array): void {
  for (const part of encode(kind, payload))
    for (let at = 0; at < part.length; ) at += writeSync(1, part, at, part.length - at);
}

export function sendJson(kind: number, value: unknown): void {
  send(kind, Buffer.from(JSON.stringify(value)));
}
