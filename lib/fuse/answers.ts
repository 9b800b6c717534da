/** Bytes before the fields of each answer, `fuse_out_header`. */
export const outHeader = 16;

/** What the kernel is told of a file or directory. Times are milliseconds since 1970. */
export interface Attr {
  readonly ino: number | bigint;
  readonly size: number | bigint;
  /** File type and permission bits, as in st_mode. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly blksize: number;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
}

/** The numbers of statfs. */
export interface Statfs {
  readonly bsize: number;
  readonly blocks: number | bigint;
  readonly bfree: number | bigint;
  readonly bavail: number | bigint;
  readonly files: number | bigint;
  readonly ffree: number | bigint;
  readonly namelen: number;
}

/** One entry of a directory. */
export interface DirEntry {
  readonly ino: number | bigint;
  /** Continues after this entry. */
  readonly offset: number | bigint;
  /** As in Linux dirents: 4 a directory, 8 a file. */
  readonly type: number;
  readonly name: string;
}

/** What the kernel is answered to INIT. */
export interface Agreement {
  readonly maxReadahead: number;
  readonly flags: number;
  readonly maxWrite: number;
}

/** Version that is spoken: that of Linux 5.4. */
export const spoken = { major: 7, minor: 31 };

const two32 = 0x1_0000_0000;
const entrySize = 24;

/** The header of an answer with so many bytes behind it; `errno` 0 is success. */
export function encodeHead(unique: bigint, errno: number, length: number): Buffer {
  const bytes = Buffer.alloc(outHeader);
  bytes.writeUInt32LE(outHeader + length, 0);
  bytes.writeInt32LE(-errno, 4);
  bytes.writeBigUInt64LE(unique, 8);
  return bytes;
}

/** Seconds and nanoseconds of milliseconds. */
function parts(ms: number): readonly [seconds: number, nanoseconds: number] {
  return [Math.floor(ms / 1000), Math.floor((ms % 1000) * 1e6)];
}

class Out {
  readonly bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
  }

  u16(value: number): this {
    this.#at = this.bytes.writeUInt16LE(value, this.#at);
    return this;
  }

  u32(...values: readonly number[]): this {
    for (const value of values) this.#at = this.bytes.writeUInt32LE(value, this.#at);
    return this;
  }

  u64(...values: readonly (number | bigint)[]): this {
    for (const value of values) {
      if (typeof value === "bigint") this.#at = this.bytes.writeBigUInt64LE(value, this.#at);
      else this.u32(value % two32, Math.floor(value / two32));
    }
    return this;
  }

  skip(count: number): this {
    this.#at += count;
    return this;
  }

  /** `fuse_attr`, 88 bytes. */
  attr(attr: Attr): this {
    const times = [attr.atime, attr.mtime, attr.ctime].map(parts);
    const blocks = (BigInt(attr.size) + 511n) / 512n;
    this.u64(attr.ino, attr.size, blocks, ...times.map(([seconds]) => seconds));
    this.u32(...times.map(([, nanoseconds]) => nanoseconds));
    return this.u32(attr.mode, attr.nlink, attr.uid, attr.gid, 0, attr.blksize, 0);
  }
}

/** `fuse_init_out`. */
export function initOut({ maxReadahead, flags, maxWrite }: Agreement): Buffer {
  const out = new Out(64).u32(spoken.major, spoken.minor, maxReadahead, flags);
  out.u16(64).u16(48).u32(maxWrite, 1);
  // One more than it needs: where the memory of whoever writes begins in the midst of a page, the kernel would cut before
  // `maxWrite`, and nobody could tell that from a write that ends there.
  return out.u16(Math.ceil(maxWrite / 4096) + 1).bytes;
}

/** `fuse_entry_out`. The kernel does not keep the name, and what is told of the file for `keptMs` milliseconds. */
export function entryOut(nodeid: number, attr: Attr, keptMs: number): Buffer {
  const [seconds, nanoseconds] = parts(keptMs);
  return new Out(128).u64(nodeid, 0, 0, seconds).u32(0, nanoseconds).attr(attr).bytes;
}

/** `fuse_attr_out`, which the kernel keeps for `keptMs` milliseconds. */
export function attrOut(attr: Attr, keptMs: number): Buffer {
  const [seconds, nanoseconds] = parts(keptMs);
  return new Out(104).u64(seconds).u32(nanoseconds, 0).attr(attr).bytes;
}

/** `fuse_open_out`. */
export function openOut(fh: number, flags: number): Buffer {
  return new Out(16).u64(fh).u32(flags).bytes;
}

/** `fuse_write_out`. */
export function writeOut(size: number): Buffer {
  return new Out(8).u32(size).bytes;
}

/** `fuse_statfs_out`. */
export function statfsOut(s: Statfs): Buffer {
  const out = new Out(80).u64(s.blocks, s.bfree, s.bavail, s.files, s.ffree);
  return out.u32(s.bsize, s.namelen, s.bsize).bytes;
}

/** As many of the entries as fit into `size` bytes, each a `fuse_dirent`. */
export function direntsOut(entries: readonly DirEntry[], size: number): Buffer {
  const taken: Buffer[] = [];
  let room = size;
  for (const { ino, offset, type, name } of entries) {
    const text = Buffer.from(name);
    const length = Math.ceil((entrySize + text.length) / 8) * 8;
    if (length > room) break;
    room -= length;
    const out = new Out(length).u64(ino, offset).u32(text.length, type);
    text.copy(out.bytes, entrySize);
    taken.push(out.bytes);
  }
  return Buffer.concat(taken);
}
