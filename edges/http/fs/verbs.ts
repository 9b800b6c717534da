import { Fault } from "@skep/fault";
import type { Session } from "@skep/kernel";
import { fault } from "../faults.ts";
import { describe } from "../tree/describe.ts";
import { echoReply, errReply, linesOf, type Reply } from "./forms.ts";

type Found = Session["root"];

interface Piece {
  readonly bytes: Buffer;
  readonly whole: boolean;
}

async function readPiece(session: Session, found: Found, from: number, most: number): Promise<Piece> {
  const handle = await session.open(found, { read: true, write: false });
  try {
    const parts: Uint8Array[] = [];
    let size = 0;
    while (size <= most) {
      const part = await handle.read(from + size, most + 1 - size);
      if (part.length === 0) break;
      parts.push(part);
      size += part.length;
    }
    const bytes = Buffer.concat(parts);
    return { bytes: bytes.subarray(0, most), whole: bytes.length <= most };
  } finally {
    await handle.close();
  }
}

// What is not there, not allowed or not now is an answer of the target; the rest is ours.
async function told(verb: string, path: string, act: () => Promise<Reply>): Promise<Reply> {
  try {
    return await act();
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.kind !== "internal") return errReply(verb, path, thrown);
    throw thrown;
  }
}

/** Names in a directory. */
export function ls(session: Session, path: string): Promise<Reply> {
  return told("LS", path, async () => {
    const lines = (await session.list(await session.find(path))).map(({ name }) => name);
    const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    return { status: "OK", verb: "LS", path, end: true, lines, bytes };
  });
}

/** A file from its beginning. */
export function cat(session: Session, path: string, most: number): Promise<Reply> {
  return told("CAT", path, async () => {
    const found = await session.find(path);
    if (found.place.facet === "follow") throw fault.method("CAT of a followed stream");
    const { bytes, whole } = await readPiece(session, found, 0, most);
    return { status: "OK", verb: "CAT", path, end: whole, lines: linesOf(bytes), bytes: bytes.length };
  });
}

/** The newest lines of a file. */
export function tail(session: Session, path: string, most: number, count: number): Promise<Reply> {
  return told("TAIL", path, async () => {
    const found = await session.find(path);
    if (found.place.facet === "follow") throw fault.method("TAIL of a followed stream");
    const { size } = await session.stat(found);
    const from = Math.max(0, size - most);
    const { bytes } = await readPiece(session, found, from, most);
    const cut = from === 0 ? 0 : bytes.indexOf(10) + 1;
    const lines = linesOf(bytes.subarray(cut)).slice(-count);
    const shown = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    return { status: "OK", verb: "TAIL", path, end: true, lines, bytes: shown };
  });
}

/** What a file is. */
export function stat(session: Session, path: string): Promise<Reply> {
  return told("STAT", path, async () => {
    const found = await session.find(path);
    const { size, version, mtime, readable, writable } = await session.stat(found);
    const { kind } = describe(found);
    const result = { kind, size, version, mtime, readable, writable, doc: found.place.node.doc };
    const lines = Object.entries(result).map(([name, value]) => `${name}=${value}`);
    return { status: "OK", verb: "STAT", path, end: true, lines, bytes: 0, result };
  });
}

/** Appends one line. */
export function echo(
  session: Session,
  { path, line }: { readonly path: string; readonly line: string },
  options: { readonly key?: string; readonly trace?: string },
): Promise<Reply> {
  return told("ECHO", path, async () => {
    const size = Buffer.byteLength(line);
    const found = await session.find(path);
    const { kind } = found.place.node;
    if (kind === "control" || kind === "value")
      return echoReply(path, size, await session.append(path, line, options));
    const isBinary = kind === "blob" && line.startsWith("b64:");
    const bytes = isBinary
      ? Buffer.from(line.slice(4), "base64")
      : Buffer.from(kind === "blob" ? line : `${line}\n`);
    const handle = await session.open(found, { read: false, write: true });
    try {
      await handle.write(0, bytes);
      return echoReply(path, size, { verdict: "ok" });
    } finally {
      await handle.close();
    }
  });
}
