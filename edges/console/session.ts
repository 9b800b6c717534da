/** A value, or the promise of one. */
export type Awaitable<T> = T | Promise<T>;

/** What the console needs of an open file. */
export interface ConsoleHandle {
  readonly kind: "dir" | "text" | "value" | "stream" | "control" | "blob";
  /** Bytes there are at open; undefined where only reading tells. */
  readonly size?: number | undefined;
  /** Absolute offset of the first byte that is kept; streams only. */
  readonly base?: number | undefined;
  list(): Awaitable<readonly string[]>;
  /** Bytes from an offset that counts from `base`; empty at the end. */
  read(offset: number, count: number): Awaitable<Uint8Array>;
  append(bytes: Uint8Array): Awaitable<number>;
  close(): Awaitable<void>;
}

/** The door: what the console needs of a kernel session. Everything that refuses throws a `Fault`. */
export interface ConsoleSession {
  open(path: string, mode: "list" | "read" | "append"): Awaitable<ConsoleHandle>;
  /** `lost` when the connection broke without QUIT. */
  close(how: "quit" | "lost" | "replaced"): Awaitable<void>;
}

/** Goes on with a value without a promise where there is none. */
export function then<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
