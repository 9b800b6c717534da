import type { Attr, DirEntry, Statfs } from "./answers.ts";

/** One request as the file system sees it. */
export interface Call {
  /** Aborts when whoever waits for the answer was interrupted, or the file system was unmounted. */
  readonly signal: AbortSignal;
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

/** What is set of a file. */
export interface Change {
  /** Bits of `FATTR_*`. */
  readonly valid: number;
  readonly size: bigint;
}

/** An open file. */
export interface Handle {
  getattr(call: Call): Promise<Attr>;
  /** At most `size` bytes; fewer end the read of whoever asked, none is the end of the file. */
  read(offset: number, size: number, call: Call): Promise<readonly Uint8Array[]>;
  /** Bytes that were taken; `data` is the file system's own. */
  write(offset: number, data: Uint8Array, call: Call): Promise<number>;
  fsync(call: Call): Promise<void>;
  /** Told once. */
  release(): void;
}

/** An open directory. */
export interface DirHandle {
  /** The next entries after `offset`, where 0 is the start; none at the end. */
  entries(offset: bigint, size: number, call: Call): Promise<readonly DirEntry[]>;
  release(): void;
}

/** What is served. Paths begin with a slash and are those of the mount; all methods reject with `Fault`. */
export interface Filesystem {
  getattr(path: string, call: Call): Promise<Attr>;
  setattr(path: string, change: Change, call: Call): Promise<void>;
  /** `flags` as in open(2), without those of creation. */
  open(path: string, flags: number, call: Call): Promise<Handle>;
  opendir(path: string, call: Call): Promise<DirHandle>;
  statfs(call: Call): Promise<Statfs>;
}

/** Where requests come from and answers go: an open /dev/fuse, or a test. */
export interface Channel {
  /** The next request, whole, in bytes that nobody else writes to; nothing when the file system is unmounted. */
  read(): Promise<Uint8Array | undefined>;
  /** One answer in one write; false when the kernel does not want it any more. */
  write(...parts: readonly Uint8Array[]): boolean;
}
