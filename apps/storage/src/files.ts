import { constants, open, readdir, rename, stat, statfs, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { AppendFile, Files } from "@skep/kernel";
import { DiskAppend, writeAll } from "./append.ts";
import { OpenReads, readFully } from "./open-reads.ts";
import { asFault, confine, isErrno, makeDir, syncDir } from "./paths.ts";

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;

/** Files of a real directory: 0600 in directories of 0700. */
class DiskFiles implements Files {
  readonly #dir: string;
  readonly #reads = new OpenReads();
  readonly #replacing = new Map<string, Promise<void>>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  async #on<T>(name: string, act: (path: string) => Promise<T>): Promise<T> {
    const path = confine(this.#dir, name);
    try {
      return await act(path);
    } catch (error) {
      throw asFault(error, name);
    }
  }

  list(dir: string): Promise<string[]> {
    return this.#on(dir, async (path) => {
      try {
        const entries = await readdir(path, { withFileTypes: true });
        const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith("."));
        return files.map((entry) => entry.name).sort();
      } catch (error) {
        if (isErrno(error, "ENOENT")) return [];
        throw error;
      }
    });
  }

  size(name: string): Promise<number | undefined> {
    return this.#on(name, async (path) => {
      try {
        const found = await stat(path);
        return found.isFile() ? found.size : undefined;
      } catch (error) {
        if (isErrno(error, "ENOENT")) return undefined;
        throw error;
      }
    });
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#on(name, (path) => this.#reads.use(path, (file) => readFully(file, offset, length)));
  }

  // The directory is synced even when the file was there: whoever made it may have died before its own sync.
  open(name: string): Promise<AppendFile> {
    return this.#on(name, async (path) => {
      await makeDir(dirname(path));
      const handle = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
      try {
        await syncDir(dirname(path));
      } catch (error) {
        await handle.close();
        throw error;
      }
      return new DiskAppend(handle, name);
    });
  }

  // Replacements of one file use one temporary name, so that crashes leave no growing heap of them.
  replace(name: string, bytes: Uint8Array): Promise<void> {
    const before = this.#replacing.get(name) ?? Promise.resolve();
    const done = before.catch(() => undefined).then(() => this.#on(name, (path) => this.#swap(path, bytes)));
    this.#replacing.set(name, done);
    const forget = () => {
      if (this.#replacing.get(name) === done) this.#replacing.delete(name);
    };
    done.then(forget, forget);
    return done;
  }

  async #swap(path: string, bytes: Uint8Array): Promise<void> {
    const dir = dirname(path);
    const temporary = join(dir, `.${basename(path)}.new`);
    await makeDir(dir);
    try {
      const handle = await open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
      try {
        await writeAll(handle, [bytes]);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
    await this.#reads.forget(path);
    await syncDir(dir);
  }

  truncate(name: string, size: number): Promise<void> {
    return this.#on(name, async (path) => {
      const handle = await open(path, O_WRONLY | O_NOFOLLOW);
      try {
        await handle.truncate(size);
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  remove(name: string): Promise<void> {
    return this.#on(name, async (path) => {
      await unlink(path);
      await this.#reads.forget(path);
      await syncDir(dirname(path));
    });
  }

  space(): Promise<{ readonly free: number; readonly total: number }> {
    return this.#on("space", async () => {
      await makeDir(this.#dir);
      const { bsize, bavail, blocks } = await statfs(this.#dir);
      return { free: bavail * bsize, total: blocks * bsize };
    });
  }
}

/** Files below a directory (made, 0700, with the first file); an error names the file, never the directory. */
export function openFiles(dir: string): Files {
  return new DiskFiles(dir);
}
