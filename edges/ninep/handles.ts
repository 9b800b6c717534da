import type { Entry, Handle, Session } from "@skep/kernel";
import type { Awaitable, Call, DirEntry, HostHandle } from "@skep/ninep";
import { fault } from "./faults.ts";
import { noted } from "./noted.ts";
import { typeOf } from "./qid.ts";

/** An open file; what the kernel answers at once is answered without a promise. */
export class FileHandle implements HostHandle {
  protected readonly session: Session;
  protected readonly handle: Handle;

  constructor(session: Session, handle: Handle) {
    this.session = session;
    this.handle = handle;
  }

  read(offset: number, count: number, _call: Call): Awaitable<Uint8Array> {
    return noted(this.session, () => this.handle.read(offset, count));
  }

  write(offset: number, data: Uint8Array): Awaitable<number> {
    return noted(this.session, () => this.handle.write(offset, data));
  }

  close(): Awaitable<void> {
    return this.handle.close();
  }
}

/** An open `x.follow`: a read may wait, and ends with its request. */
export class FollowHandle extends FileHandle {
  readonly waits = true;

  override read(offset: number, count: number, call: Call): Awaitable<Uint8Array> {
    return noted(this.session, () => this.handle.read(offset, count, call.signal));
  }
}

// The smallest entry on the wire: qid 13, offset 8, type 1, length 2, one byte of name.
const smallest = 25;

/** An open directory. Its cookies are places in the listing that was made when it was last read from the start. */
export class DirectoryHandle implements HostHandle {
  readonly #session: Session;
  readonly #found: Session["root"];
  #listing: readonly Entry[] = [];

  constructor(session: Session, found: Session["root"]) {
    this.#session = session;
    this.#found = found;
  }

  async readdir(cookie: number, bytes: number): Promise<readonly DirEntry[]> {
    // On a mount each name that is looked at costs four requests, and a directory that is opened ten more.
    const list = () => this.#session.list(this.#found, { brief: true });
    if (cookie === 0) this.#listing = await noted(this.#session, list);
    else this.#session.checkAlive();
    if (cookie > this.#listing.length) throw fault.cookie(cookie);
    const page = this.#listing.slice(cookie, cookie + Math.ceil(bytes / smallest));
    return page.map((entry, at) => ({
      name: entry.name,
      // No version: a listing does not look into the files.
      qid: { type: typeOf(entry), version: 0, path: entry.number },
      cookie: cookie + at + 1,
    }));
  }
}
