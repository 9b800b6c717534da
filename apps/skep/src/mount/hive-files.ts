import type { Attr, Call, Change, DirEntry, DirHandle, Filesystem, Handle, Statfs } from "@skep/fuse";
import {
  type Client,
  type Dirent,
  type OpenAs,
  type Qid,
  QT,
  type RemoteAttr,
  type RemoteFile,
} from "@skep/ninep";
import { fault } from "./faults.ts";
import type { Link } from "./link.ts";

/** How a hive is shown. */
export interface Shown {
  /** Who owns what there is. */
  readonly uid: number;
  readonly gid: number;
  /** Largest data of one request to the hive, in bytes. */
  readonly most: number;
}

const accessMask = 3;
const openAs: readonly OpenAs[] = ["read", "write", "readWrite", "readWrite"];
const append = 0o2000;
const newline = 10;

/** FATTR bits of the kernel and what they are in 9P. */
const setattrBits: readonly (readonly [fuse: number, ninep: number])[] = [
  [0x1, 0x1],
  [0x2, 0x2],
  [0x4, 0x4],
  [0x8, 0x8],
  [0x10, 0x90],
  [0x20, 0x120],
  [0x80, 0x10],
  [0x100, 0x20],
  [0x400, 0x40],
];

const ms = (seconds: number | bigint, nanoseconds: number | bigint): number =>
  Number(seconds) * 1000 + Number(nanoseconds) / 1e6;

function shownAttr(told: RemoteAttr, { uid, gid }: Shown): Attr {
  return {
    ino: told.qid.path,
    size: told.size,
    mode: told.mode,
    nlink: Number(told.nlink),
    uid,
    gid,
    blksize: Number(told.blksize),
    atime: ms(told.atimeSec, told.atimeNsec),
    mtime: ms(told.mtimeSec, told.mtimeNsec),
    ctime: ms(told.ctimeSec, told.ctimeNsec),
  };
}

/** A place of the hive for one question; nobody waits for its clunk. */
async function at<T>(
  client: Client,
  path: string,
  { signal }: Call,
  act: (file: RemoteFile) => Promise<T>,
): Promise<T> {
  const file = await client.walk(path, { signal });
  try {
    return await act(file);
  } finally {
    void file.close();
  }
}

/** Something open on one connection; when that is lost it fails, and is opened anew by whoever wants it. */
class OpenOn {
  protected readonly link: Link;
  protected readonly shown: Shown;
  readonly #client: Client;
  readonly #file: RemoteFile;

  constructor(link: Link, client: Client, file: RemoteFile, shown: Shown) {
    this.link = link;
    this.#client = client;
    this.#file = file;
    this.shown = shown;
  }

  protected ask<T>(signal: AbortSignal, act: (file: RemoteFile, client: Client) => Promise<T>): Promise<T> {
    return this.link.watch(signal, this.#client, (client) => act(this.#file, client));
  }

  release(): void {
    void this.#file.close();
  }
}

class OpenFile extends OpenOn implements Handle {
  getattr({ signal }: Call): Promise<Attr> {
    return this.ask(signal, async (file) => shownAttr(await file.getattr({ signal }), this.shown));
  }

  /**
   * Reads until the buffer is full or nothing comes, as the kernel's own 9P client does: a followed stream says by an
   * empty answer that this is all for now, and waits at the read after that one.
   */
  read(offset: number, size: number, { signal }: Call): Promise<readonly Uint8Array[]> {
    return this.ask(signal, async (file) => {
      const parts: Uint8Array[] = [];
      for (let got = 0; got < size; ) {
        const count = Math.min(size - got, this.shown.most);
        let bytes: Uint8Array;
        try {
          bytes = await file.read(offset + got, count, { signal });
        } catch (thrown) {
          if (got > 0) break;
          throw thrown;
        }
        if (bytes.length === 0) break;
        parts.push(bytes);
        got += bytes.length;
      }
      return parts;
    });
  }

  /** What is cut off at our own largest request ends with a whole line, where it has one: no line spans two writes. */
  write(offset: number, data: Uint8Array, { signal }: Call): Promise<number> {
    const most = this.shown.most;
    const end = data.length < most ? 0 : data.lastIndexOf(newline, most - 1) + 1;
    const part = end > 0 ? data.subarray(0, end) : data.subarray(0, most);
    return this.ask(signal, (file) => file.write(part, offset, { signal }));
  }

  fsync({ signal }: Call): Promise<void> {
    return this.ask(signal, (file) => file.sync({ signal }));
  }
}

class OpenDir extends OpenOn implements DirHandle {
  // A page of the hive holds more than the kernel takes at a time; each entry says where the next one begins.
  #page: readonly Dirent[] = [];
  #from = 0n;

  entries(offset: bigint, _size: number, { signal }: Call): Promise<readonly DirEntry[]> {
    return this.ask(signal, async ({ fid }, client) => {
      const rest = this.#rest(offset);
      if (rest.length > 0) return rest;
      const body = { fid, offset: Number(offset), count: this.shown.most };
      const { entries } = await client.request("Treaddir", body, { signal });
      this.#page = entries;
      this.#from = offset;
      return entries.map(shownEntry);
    });
  }

  #rest(offset: bigint): readonly DirEntry[] {
    const known = this.#page.findIndex((entry) => BigInt(entry.offset) === offset);
    if (known < 0 || offset === this.#from) return [];
    return this.#page.slice(known + 1).map(shownEntry);
  }
}

function shownEntry({ qid, offset, type, name }: Dirent): DirEntry {
  return { ino: qid.path, offset, type, name };
}

const mostNames = 16;
// Far above those that the client counts up from one.
const fids = 0x4000_0000;
let used = 0;

const isDir = (qid: Qid | undefined): boolean => ((qid?.type ?? 0) & QT.dir) !== 0;

/** Asks for a place and what it is, all at once; nothing where it cannot be said that way. */
async function statQuickly(client: Client, path: string, call: Call): Promise<RemoteAttr | undefined> {
  const names = path.split("/").filter((name) => name !== "");
  if (names.length > mostNames) return undefined;
  const fid = fids + used;
  used = (used + 1) % fids;
  const [walked, told] = await Promise.allSettled([
    client.request("Twalk", { fid: 0, newfid: fid, names }, call),
    client.request("Tgetattr", { fid, requestMask: 0x3fff }, call),
    client.request("Tclunk", { fid }),
  ]);
  if (walked.status === "rejected") throw walked.reason;
  const { qids } = walked.value;
  if (qids.length < names.length) throw isDir(qids.at(-1)) ? fault.absent(path) : fault.below(path);
  return told.status === "fulfilled" ? told.value : undefined;
}

/** A hive as a file system: whatever is asked is asked of it, and its answers are the answers. */
export class HiveFiles implements Filesystem {
  readonly #link: Link;
  readonly #shown: Shown;

  constructor(link: Link, shown: Shown) {
    this.#link = link;
    this.#shown = shown;
  }

  getattr(path: string, call: Call): Promise<Attr> {
    return this.#link.use(call.signal, async (client) => {
      const told = await statQuickly(client, path, call);
      if (told) return shownAttr(told, this.#shown);
      return await at(client, path, call, async (file) => shownAttr(await file.getattr(call), this.#shown));
    });
  }

  async setattr(path: string, { valid: asked, size }: Change, call: Call): Promise<void> {
    const valid = setattrBits.reduce((bits, [fuse, ninep]) => (asked & fuse ? bits | ninep : bits), 0);
    const zero = { mode: 0, uid: 0, gid: 0, atimeSec: 0, atimeNsec: 0, mtimeSec: 0, mtimeNsec: 0 };
    await this.#link.use(call.signal, (client) =>
      at(client, path, call, ({ fid }) =>
        client.request("Tsetattr", { fid, valid, size: Number(size), ...zero }, call),
      ),
    );
  }

  open(path: string, flags: number, call: Call): Promise<Handle> {
    return this.#link.use(call.signal, async (client) => {
      const as = (flags & accessMask) === 1 && (flags & append) !== 0 ? "append" : openAs[flags & accessMask];
      const file = await client.open(path, as, { signal: call.signal });
      return new OpenFile(this.#link, client, file, this.#shown);
    });
  }

  opendir(path: string, call: Call): Promise<DirHandle> {
    return this.#link.use(call.signal, async (client) => {
      const file = await client.open(path, "read", { signal: call.signal });
      return new OpenDir(this.#link, client, file, this.#shown);
    });
  }

  statfs(call: Call): Promise<Statfs> {
    return this.#link.use(call.signal, (client) => client.request("Tstatfs", { fid: 0 }, call));
  }
}
