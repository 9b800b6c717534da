import { closeSync, fsyncSync, openSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasCode, syncDirectory } from "../client/files.ts";

/** Where records go that the hive refuses for what they are. */
export interface Aside {
  /** Names it for whoever looks there. */
  readonly place: string;
  /** Durable when it returns. */
  put(record: object): void;
}

/** Bytes of one file; two are kept. */
const mostBytes = 4 * 1024 * 1024;

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return 0;
    throw error;
  }
}

/** Such a place in a folder: a file of lines, and the one before it. */
export class AsideFile implements Aside {
  readonly place: string;
  readonly #folder: string;
  readonly #most: number;

  constructor(folder: string, most = mostBytes) {
    this.#folder = folder;
    this.#most = most;
    this.place = join(folder, "refused.jsonl");
  }

  put(record: object): void {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    const before = sizeOf(this.place);
    if (before > 0 && before + line.length > this.#most) renameSync(this.place, `${this.place}.1`);
    const file = openSync(this.place, "a", 0o600);
    try {
      writeFileSync(file, line);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    syncDirectory(this.#folder);
  }
}
