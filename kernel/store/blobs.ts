/** An upload that becomes a blob when its bytes have the digest that was asked for. */
export interface Upload {
  readonly size: number;
  /** Appends; resolves to true once the bytes so far have the digest: the blob is durable then. */
  append(bytes: Uint8Array): Promise<boolean>;
  /** Drops what was uploaded unless it is complete. */
  close(): Promise<void>;
}

/** Bytes by SHA-256 digest (64 hex digits), durable before they are named by a record. */
export interface Blobs {
  size(digest: string): Promise<number | undefined>;
  /** At most `length` bytes, in `into` where they fit there; fewer only at the end. Throws `blob.absent`. */
  read(digest: string, offset: number, length: number, into?: Uint8Array): Promise<Uint8Array>;
  /** Starts an upload in bounded memory; several of one digest may run side by side. */
  upload(digest: string): Upload;
  /** Stores bytes that are in memory and gives their digest. */
  put(bytes: Uint8Array): Promise<string>;
  remove(digest: string): Promise<void>;
  /** Every complete digest with its size and the time it was stored (milliseconds since 1970). */
  list(): AsyncIterable<{ readonly digest: string; readonly size: number; readonly time: number }>;
}
