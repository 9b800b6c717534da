/** An open file that only grows. */
export interface AppendFile {
  /** Writes at the end; the bytes may still be lost at a power cut. */
  append(parts: readonly Uint8Array[]): Promise<void>;
  /** fdatasync: what was appended before is durable. Never called again after it failed. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Files of one directory tree; names are relative, with slashes. */
export interface Files {
  /** Names of the files in a directory, sorted; none when it does not exist. */
  list(dir: string): Promise<string[]>;
  /** Bytes, or undefined when there is no such file. */
  size(name: string): Promise<number | undefined>;
  read(name: string, offset: number, length: number): Promise<Uint8Array>;
  /** Opens for appending, makes it (and its directory, durably) when absent. */
  open(name: string): Promise<AppendFile>;
  /** Replaces a file as a whole: temporary file, fsync, rename, fsync of the directory. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  truncate(name: string, size: number): Promise<void>;
  remove(name: string): Promise<void>;
  /** Free and total bytes of the file system. */
  space(): Promise<{ readonly free: number; readonly total: number }>;
}
