import type { Awaitable } from "../namespace/node.ts";

/** How a file is opened. */
export interface OpenMode {
  readonly read: boolean;
  readonly write: boolean;
}

/** An open file. Offsets are file offsets; what is append-only ignores those of writes. */
export interface Handle {
  /**
   * Empty at the end; a follower's read waits there. Aborting the signal ends the wait with `canceled`. The bytes may lie
   * in `into`, memory of the caller's, who leaves it alone until the read has ended.
   */
  read(offset: number, count: number, signal?: AbortSignal, into?: Uint8Array): Awaitable<Uint8Array>;
  /** Bytes taken. Whole lines for controls and streams; see DESIGN §3, Writes. */
  write(offset: number, data: Uint8Array): Awaitable<number>;
  close(): Awaitable<void>;
}

/** What of a place never changes. */
export interface Identity {
  readonly kind: "dir" | "file";
  /** Stable for a path. */
  readonly number: number;
  /** True when writes always go to the end. */
  readonly append: boolean;
}

/** What a stat tells. */
export interface Stat extends Identity {
  /** Grows when the file changes. */
  readonly version: number;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly mtime: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly doc: string;
}

/** One name in a directory. */
export interface Entry extends Identity {
  readonly name: string;
}
