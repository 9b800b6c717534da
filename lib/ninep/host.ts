import type { U64 } from "./cursor.ts";
import type { Qid } from "./fields.ts";

/** A value now or later; what comes at once is answered without a promise. */
export type Awaitable<T> = T | Promise<T>;

/** One request as the host sees it. */
export interface Call {
  /** Aborts when the client flushes the request, clunks its fid or goes away. Made when first asked for. */
  readonly signal: AbortSignal;
}

/** Who attaches. None of it is an identity except what the host makes of `aname`. */
export interface AttachRequest {
  readonly uname: string;
  readonly aname: string;
  /** Numeric user as the client claims it; 0xffffffff for none. */
  readonly nUname: number;
}

/** What serves a connection. All methods throw `Fault`; anything else thrown is answered EIO and reported. */
export interface Host {
  attach(request: AttachRequest, call: Call): Awaitable<Root>;
}

/** What one attach gave. */
export interface Root {
  readonly file: HostFile;
  /** Aborted when the session behind it is over: its fids then answer EACCES and its waiting calls end. */
  readonly ended?: AbortSignal;
  statfs?(): Awaitable<Partial<Statfs>>;
  /** Told once, after the last fid of this attach is gone or the connection is. */
  close?(): void;
}

/** A place in the tree; a fid points to one. It has no end of its own. */
export interface HostFile {
  /** Read for every answer, so its version may grow. Its type decides what is a directory (`QT.dir`). */
  readonly qid: Qid;
  /**
   * The file accepts a truncation to size 0 and setting of times, and does nothing: control and append-only
   * files do, or a shell's `>` and `touch` would fail.
   */
  readonly ignoresTruncate?: boolean;
  /** The entry of that name (never "", "." or ".."); throws `absent`. Asked of directories only. */
  walk(name: string, call: Call): Awaitable<HostFile>;
  getattr(call: Call): Awaitable<Attr>;
  open(mode: OpenMode, call: Call): Awaitable<HostHandle>;
}

/** How a file is opened. */
export interface OpenMode {
  readonly read: boolean;
  readonly write: boolean;
  /** O_APPEND; offsets of clients mean nothing on append-only files, with or without it. */
  readonly append: boolean;
  /** O_TRUNC; no file here is ever truncated. */
  readonly truncate: boolean;
  /** The Linux open flags as they came; bits that nobody knows may be set. */
  readonly flags: number;
}

/** An open file. A method that is missing is answered EBADF. */
export interface HostHandle {
  /**
   * Reads of this handle may wait for something to happen: those that do not answer at once count against
   * the limit of waiting reads.
   */
  readonly waits?: boolean;
  /** At most `count` bytes from `offset`; none at the end. They are copied before this call's turn ends. */
  read?(offset: number, count: number, call: Call): Awaitable<Uint8Array>;
  /** Bytes accepted; `data` is a view of the client's frame, which stays as it is. Never suppressed by a flush. */
  write?(offset: number, data: Uint8Array, call: Call): Awaitable<number>;
  /**
   * Entries after `cookie` (0 is the start), at least as many as fill `bytes` or all there are; `bytes` is
   * what the answer holds. Of a directory only.
   */
  readdir?(cookie: number, bytes: number, call: Call): Awaitable<readonly DirEntry[]>;
  fsync?(call: Call): Awaitable<void>;
  /** Told once, when the fid is clunked or the connection is gone. */
  close?(): Awaitable<void>;
}

/** One entry of a directory. */
export interface DirEntry {
  readonly name: string;
  readonly qid: Qid;
  /** Continues after this entry: positive, opaque to clients, the same for as long as the listing is. */
  readonly cookie: number;
}

/** What getattr tells; what is left out is either plain (owner 0, nlink 1) or not claimed in `valid`. */
export interface Attr {
  /** Permission bits; the file type is added from the qid when missing. */
  readonly mode: number;
  readonly size: U64;
  readonly uid?: number;
  readonly gid?: number;
  /** 1 by default; a directory with 2 would tell `find` that it has no subdirectory. */
  readonly nlink?: number;
  /** Milliseconds since 1970. A time left out is not claimed. */
  readonly atime?: number;
  readonly mtime?: number;
  readonly ctime?: number;
  readonly btime?: number;
  readonly gen?: U64;
  readonly dataVersion?: U64;
}

/** The numbers of statfs. */
export interface Statfs {
  readonly fstype: number;
  readonly bsize: number;
  readonly blocks: U64;
  readonly bfree: U64;
  readonly bavail: U64;
  readonly files: U64;
  readonly ffree: U64;
  readonly fsid: U64;
  readonly namelen: number;
}

/** Goes on with a value at once, or when its promise has it. */
export function andThen<T, U>(value: Awaitable<T>, act: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(act) : act(value);
}
