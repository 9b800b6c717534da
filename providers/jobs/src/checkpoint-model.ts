/** What a job says of the file that it keeps. */
export type Checkpoint = {
  /** Absolute path, as the module opens it. */
  readonly file: string;
  readonly everyMs: number;
  readonly maxBytes: number;
};

/** What a job kept: the bytes of its file, in the blob store. */
export type Kept = { readonly digest: string; readonly bytes: number };

/** The last that a job kept, when it was told, and by whom. */
export type LastKept = Kept & { readonly at: number; readonly worker: string };

/** Shortest interval at which a job's file is stored, milliseconds. */
export const leastEveryMs = 5000;
