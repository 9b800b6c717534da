import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { type Pace, unpaced } from "../owner/pace.ts";
import { fault } from "./faults.ts";

const digestForm = /^[0-9a-f]{64}$/;

/** Modules that were fetched, as files by digest; the longest unused go when there is too much. */
export class Modules {
  readonly #dir: string;
  readonly #mostBytes: number;
  readonly #mostModule: number;
  readonly #pace: Pace;
  /** Digest to size, longest unused first. */
  readonly #known = new Map<string, number>();
  readonly #fetching = new Map<string, Promise<string>>();
  #bytes = 0;

  private constructor(dir: string, mostBytes: number, mostModule: number, pace: Pace) {
    this.#dir = dir;
    this.#pace = pace;
    this.#mostBytes = mostBytes;
    this.#mostModule = mostModule;
  }

  /** Opens the folder and forgets what an earlier process left unfinished there. */
  static async open(dir: string, mostBytes: number, mostModule: number, pace = unpaced): Promise<Modules> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const made = new Modules(dir, mostBytes, mostModule, pace);
    const found: { name: string; size: number; used: number }[] = [];
    for (const name of await readdir(dir)) {
      const file = join(dir, name);
      const { size, mtimeMs } = await stat(file);
      if (digestForm.test(name)) found.push({ name, size, used: mtimeMs });
      else await rm(file, { force: true });
    }
    found.sort((one, other) => one.used - other.used);
    for (const { name, size } of found) made.#add(name, size);
    await made.#shrink();
    return made;
  }

  #add(digest: string, size: number): void {
    this.#known.set(digest, size);
    this.#bytes += size;
  }

  async #shrink(): Promise<void> {
    for (const [digest, size] of this.#known) {
      if (this.#bytes <= this.#mostBytes || this.#known.size === 1) return;
      this.#known.delete(digest);
      this.#bytes -= size;
      await rm(join(this.#dir, digest), { force: true });
    }
  }

  /**
   * Where the module lies, fetched with `fetch` when it is not here. Throws `worker.module` for bytes that do not have
   * the digest, and what the hive answered.
   */
  async path(digest: string, use: <T>(act: (client: Client) => Promise<T>) => Promise<T>): Promise<string> {
    const path = join(this.#dir, digest);
    const size = this.#known.get(digest);
    if (size !== undefined) {
      this.#known.delete(digest);
      this.#known.set(digest, size);
      return path;
    }
    const running = this.#fetching.get(digest);
    if (running) return await running;
    const fetching = use((client) => this.#fetch(digest, path, client));
    this.#fetching.set(digest, fetching);
    try {
      return await fetching;
    } finally {
      this.#fetching.delete(digest);
    }
  }

  /** A module that turned out to be damaged is fetched again. */
  async forget(digest: string): Promise<void> {
    this.#bytes -= this.#known.get(digest) ?? 0;
    this.#known.delete(digest);
    await rm(join(this.#dir, digest), { force: true });
  }

  /** Tells the next process in which order modules were used. */
  async touch(now: number): Promise<void> {
    let at = now / 1000 - this.#known.size;
    for (const digest of this.#known.keys()) {
      at += 1;
      await utimes(join(this.#dir, digest), at, at).catch(() => undefined);
    }
  }

  async #fetch(digest: string, path: string, client: Client): Promise<string> {
    if (!digestForm.test(digest)) throw fault.module(digest);
    const temporary = `${path}.${randomBytes(4).toString("hex")}`;
    try {
      const size = await this.#copy(digest, temporary, client);
      await rename(temporary, path);
      this.#add(digest, size);
      await this.#shrink();
      return path;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #copy(digest: string, temporary: string, client: Client): Promise<number> {
    await using remote = await client.open(`/cas/${digest}`);
    await using file = await open(temporary, "wx", 0o600);
    const hash = createHash("sha256");
    let at = 0;
    for (;;) {
      const bytes = await remote.read(at, remote.iounit);
      if (bytes.length === 0) break;
      at += bytes.length;
      await this.#pace(bytes.length);
      if (at > this.#mostModule) throw fault.module(`${digest}: more than ${this.#mostModule} bytes`);
      hash.update(bytes);
      await file.writeFile(bytes);
    }
    if (hash.digest("hex") !== digest)
      throw fault.module(`${digest}: the bytes have another digest`, {
        cure: "Stop the hive, run `skep fsck --repair` in its home, start it, and hand the same bytes in again",
      });
    return at;
  }
}
