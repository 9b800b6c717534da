/** One entry of the rebuildable index: what left state is found by kind and key. */
export interface IndexEntry {
  readonly kind: string;
  readonly key: string;
  /** Sequence of the record that tells. */
  readonly seq: number;
}

/** Kind of entries whose key is a path: the newest records that changed it are kept, not only the last. */
export const touchKind = "touch";

/** A read model over the journal, in another thread; losing it loses nothing. */
export interface Index {
  /** Every record below this sequence has been indexed. */
  readonly upTo: number;
  /** Adds the entries of records up to `upTo` (exclusive), in order; a later entry replaces one of the same key. */
  add(entries: readonly IndexEntry[], upTo: number): void;
  find(kind: string, key: string): Promise<number | undefined>;
  /** Newest first, below a sequence. */
  page(kind: string, below: number, count: number): Promise<readonly IndexEntry[]>;
  count(kind: string): Promise<number>;
  /** Sequences of the newest records below one that changed a path, newest first; the last 32 of a path are kept. */
  touched(path: string, below: number, count: number): Promise<readonly number[]>;
  close(): Promise<void>;
}
