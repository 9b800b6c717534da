import { endianness } from "./endian.ts";
import { fault } from "./faults.ts";
import { Fields } from "./fields.ts";

/** Bytes before the fields of each request, `fuse_in_header`. */
export const inHeader = 40;

/** One row per operation with fields that are read here: its number and what follows the header. */
const read = {
  LOOKUP: [1, (f: Fields) => ({ name: f.name() })],
  FORGET: [2, (f: Fields) => ({ count: f.u64() })],
  GETATTR: [
    3,
    (f: Fields) => {
      const flags = f.u32();
      f.skip(4);
      const fh = f.count();
      return (flags & 1) !== 0 ? { fh } : { fh: undefined };
    },
  ],
  SETATTR: [
    4,
    (f: Fields) => {
      const valid = f.u32();
      f.skip(12);
      return { valid, size: f.u64() };
    },
  ],
  OPEN: [14, (f: Fields) => ({ flags: f.u32() })],
  READ: [15, (f: Fields) => ({ fh: f.count(), offset: f.count(), size: f.u32() })],
  WRITE: [
    16,
    (f: Fields) => {
      const [fh, offset, size] = [f.count(), f.count(), f.u32()];
      f.skip(20);
      return { fh, offset, data: f.data(size) };
    },
  ],
  STATFS: [17, () => ({})],
  RELEASE: [18, (f: Fields) => ({ fh: f.count() })],
  FSYNC: [20, (f: Fields) => ({ fh: f.count() })],
  FLUSH: [25, (f: Fields) => ({ fh: f.count() })],
  INIT: [26, (f: Fields) => ({ major: f.u32(), minor: f.u32(), maxReadahead: f.u32(), flags: f.u32() })],
  OPENDIR: [27, (f: Fields) => ({ flags: f.u32() })],
  READDIR: [28, (f: Fields) => ({ fh: f.count(), offset: f.u64(), size: f.u32() })],
  RELEASEDIR: [29, (f: Fields) => ({ fh: f.count() })],
  ACCESS: [34, (f: Fields) => ({ mask: f.u32() })],
  INTERRUPT: [36, (f: Fields) => ({ unique: f.u64() })],
  DESTROY: [38, () => ({})],
  BATCH_FORGET: [
    42,
    (f: Fields) => {
      const count = f.u32();
      f.skip(4);
      const forgets: { nodeid: number; count: bigint }[] = [];
      for (let at = 0; at < count; at += 1) forgets.push({ nodeid: f.count(), count: f.u64() });
      return { forgets };
    },
  ],
} as const satisfies Record<string, readonly [number, (fields: Fields) => object]>;

/** Operations that would change which names there are, or what a file is. */
const altering = [6, 8, 9, 10, 11, 12, 13, 21, 24, 35, 43, 45, 51];

type Table = typeof read;

/** Names of the operations whose fields are read. */
export type OpName = keyof Table;

/** What a request carries behind its header. */
export type Body<N extends OpName> = ReturnType<Table[N][1]>;

/** What stands before the fields of each request. */
export interface Head {
  readonly opcode: number;
  /** Number of the request; its answer carries the same. */
  readonly unique: bigint;
  /** What it is about: 1 is the root, others are what lookups answered. */
  readonly nodeid: number;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

/** A request of the kernel. */
export type Request = Head &
  (
    | { [N in OpName]: { readonly op: N; readonly body: Body<N> } }[OpName]
    /** It would change the tree itself: mkdir, unlink, rename … */
    | { readonly op: "alter" }
    | { readonly op: "unknown" }
  );

const names = new Map<number, OpName>(
  (Object.keys(read) as OpName[]).map((name) => [read[name][0], name] as const),
);

/** The number of an operation. */
export function opcodeOf(name: OpName): number {
  return read[name][0];
}

/** Reads the header of a request. Throws `fuse.frame` where the bytes are no request at all. */
export function decodeHead(given: Uint8Array): Head {
  endianness();
  const bytes = bufferOf(given);
  if (bytes.length < inHeader || bytes.readUInt32LE(0) !== bytes.length)
    throw fault.frame(`${bytes.length} bytes`);
  const nodeid = Number(bytes.readBigUInt64LE(16));
  if (!Number.isSafeInteger(nodeid)) throw fault.frame("a node beyond 2^53");
  return {
    opcode: bytes.readUInt32LE(4),
    unique: bytes.readBigUInt64LE(8),
    nodeid,
    uid: bytes.readUInt32LE(24),
    gid: bytes.readUInt32LE(28),
    pid: bytes.readUInt32LE(32),
  };
}

/** Reads the fields behind a header. Throws `fuse.malformed` where they are not whole. */
export function decodeBody(head: Head, bytes: Uint8Array): Request {
  const op = names.get(head.opcode);
  if (op === undefined) return { ...head, op: altering.includes(head.opcode) ? "alter" : "unknown" };
  const body = read[op][1](new Fields(bufferOf(bytes), inHeader));
  return { ...head, op, body } as Request;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
