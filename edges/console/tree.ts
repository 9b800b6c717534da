import { isUtf8 } from "node:buffer";
import { faults } from "@skep/fault";
import { escapeForeign } from "@skep/text";
import { type Awaitable, type ConsoleHandle, type ConsoleSession, then } from "./session.ts";

const fault = faults("console", {
  relative: ["absent", "Cannot use a path that does not begin with a slash"],
  deep: ["nameTooLong", "Cannot use a path of more than 8 names on the console"],
  large: [
    "quota",
    "Cannot show more than 1 MiB in one answer",
    { detail: "buffer-full", cure: "Read it over 9P" },
  ],
  wide: [
    "quota",
    "Cannot show a line that is longer than a frame",
    { detail: "buffer-full", cure: "Read it over 9P" },
  ],
});

const most = 1024 * 1024;
const depth = 8;
/** Bytes of binary content in one `b64:` line of 252 characters. */
const binaryLine = 186;
const widest = 8188;

/** Where bytes that happen to be text are shown as text; the original shows chunks and weights as bytes, wherever bound. */
const maybeText = /^\/cas\//;

/** Refuses what the console's paths may not be; the kernel judges the rest. */
export function checkPath(path: string): void {
  if (!path.startsWith("/")) throw fault.relative(path);
  if (path.split("/").length - 1 > depth) throw fault.deep(path);
}

async function withHandle<T>(
  session: ConsoleSession,
  path: string,
  mode: "list" | "read",
  act: (handle: ConsoleHandle) => Awaitable<T>,
): Promise<T> {
  const opened = session.open(path, mode);
  const handle = opened instanceof Promise ? await opened : opened;
  try {
    return await act(handle);
  } finally {
    await handle.close();
  }
}

/** Names in a directory. */
export function list(session: ConsoleSession, path: string): Promise<readonly string[]> {
  return withHandle(session, path, "list", (handle) => handle.list());
}

async function readFrom(handle: ConsoleHandle, from: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const found = handle.read(from + size, most + 1 - size);
    const part = found instanceof Promise ? await found : found;
    if (part.length === 0) return Buffer.concat(parts);
    parts.push(part);
    size += part.length;
    if (size > most) throw fault.large();
  }
}

/** All of a file as lines; streams from their oldest byte. */
export function readLines(session: ConsoleSession, path: string): Promise<string[]> {
  return withHandle(session, path, "read", async (handle) => {
    const bytes = await readFrom(handle, 0);
    return handle.kind === "blob" && !maybeText.test(path) ? binaryLines(bytes) : linesOf(bytes);
  });
}

/** A piece of a stream, in absolute offsets. */
export interface Piece {
  readonly bytes: Buffer;
  /** Offset behind the last byte. */
  readonly next: number;
  /** Bytes that were dropped before they could be read. */
  readonly skipped: number;
  /** True where the stream began anew behind the cursor. */
  readonly restarted: boolean;
}

/** A stream from a cursor, or its newest mebibyte, beginning at a whole line. */
export function readTail(session: ConsoleSession, path: string, cursor: number | undefined): Promise<Piece> {
  return withHandle(session, path, "read", async (handle) => {
    const base = handle.base ?? 0;
    const size = handle.size ?? 0;
    const restarted = cursor !== undefined && handle.size !== undefined && cursor > base + size;
    const wanted = cursor === undefined || restarted ? 0 : Math.max(0, cursor - base);
    const start = Math.max(wanted, size - most);
    const bytes = await readFrom(handle, start);
    const next = base + start + bytes.length;
    const skipped = cursor === undefined || restarted ? 0 : Math.max(0, base + start - cursor);
    const broken = start > wanted ? bytes.indexOf(10) + 1 : 0;
    return { bytes: bytes.subarray(broken), next, skipped, restarted };
  });
}

/** Appends one payload: a line with its newline, or the bytes themselves (raw or `b64:`) to a blob. */
export function append(session: ConsoleSession, path: string, payload: string): Awaitable<void> {
  return then(session.open(path, "append"), (handle) => {
    const bytes = handle.kind === "blob" ? blobBytes(payload) : Buffer.from(`${payload}\n`);
    try {
      const done = handle.append(bytes);
      if (!(done instanceof Promise)) return handle.close();
      return done.finally(() => handle.close()).then(() => undefined);
    } catch (thrown) {
      return then(handle.close(), () => {
        throw thrown;
      });
    }
  });
}

function blobBytes(payload: string): Buffer {
  return payload.startsWith("b64:") ? Buffer.from(payload.slice(4), "base64") : Buffer.from(payload);
}

/**
 * Content as the console's lines: text by its newlines, controls and bidi characters escaped; what is no text as
 * `b64:` lines of at most 252 characters. A line that fits no frame refuses the whole, so that none is ever cut.
 */
export function linesOf(bytes: Buffer): string[] {
  if (!isUtf8(bytes) || bytes.includes(0)) return binaryLines(bytes);
  const lines = bytes.toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map(lineOf);
}

function binaryLines(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += binaryLine)
    lines.push(`b64:${bytes.toString("base64", at, at + binaryLine)}`);
  return lines;
}

/** One string from outside as a data line. */
export function lineOf(text: string): string {
  const line = escapeForeign(text, { form: "wire" });
  // One byte is left for the backslash that a guarded line gets.
  if (Buffer.byteLength(line) > widest - 1) throw fault.wide();
  return line;
}
