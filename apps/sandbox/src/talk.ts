// The sandboxed side of the two pipes: everything waits, nothing is read ahead.
import { readSync, writeSync } from "node:fs";
import { encode, type Frame, headBytes } from "./frames.ts";

export const empty: Buffer = Buffer.alloc(0);

function take(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; ) {
    const got = readSync(0, bytes, at, size - at, null);
    if (got === 0) process.exit(0);
    at += got;
  }
  return bytes;
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
