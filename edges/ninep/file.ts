import type { Session, Stat } from "@skep/kernel";
import { type Attr, type Awaitable, type HostFile, type HostHandle, type OpenMode, QT } from "@skep/ninep";
import { typeOf } from "./qid.ts";
import { noted } from "./noted.ts";
import { DirectoryHandle, FileHandle, FollowHandle } from "./handles.ts";

type Found = Session["root"];

/** The numeric owner that files report: never an identity, only what lets the client's kernel pass its user. */
export interface Owner {
  readonly uid: number;
}

const u32 = 0x1_0000_0000;

function permissions(stat: Stat): number {
  if (stat.kind === "dir") return 0o500;
  return (stat.readable ? 0o400 : 0) | (stat.writable ? 0o200 : 0);
}

function andThen<T, U>(value: Awaitable<T>, act: (value: T) => U): Awaitable<U> {
  return value instanceof Promise ? value.then(act) : act(value);
}

/** A place of the kernel's tree as one session sees it. */
export class SessionFile implements HostFile {
  readonly qid: { readonly type: number; version: number; readonly path: number };
  readonly ignoresTruncate: boolean;
  readonly #session: Session;
  readonly #found: Found;
  readonly #owner: Owner;

  constructor(session: Session, found: Found, owner: Owner) {
    const identity = session.identify(found);
    this.#session = session;
    this.#found = found;
    this.#owner = owner;
    this.qid = { type: typeOf(identity), version: session.version(found) % u32, path: identity.number };
    this.ignoresTruncate = identity.append;
  }

  walk(name: string): Awaitable<SessionFile> {
    const walked = noted(this.#session, () => this.#session.walk(this.#found, name));
    return andThen(walked, (found) => new SessionFile(this.#session, found, this.#owner));
  }

  getattr(): Awaitable<Attr> {
    const stated = noted(this.#session, () => this.#session.stat(this.#found));
    return andThen(stated, (stat) => {
      const { uid } = this.#owner;
      const { mtime } = stat;
      this.qid.version = stat.version % u32;
      const times = { atime: mtime, mtime, ctime: mtime };
      return { mode: permissions(stat), size: stat.size, uid, gid: uid, ...times, dataVersion: stat.version };
    });
  }

  open({ read, write }: OpenMode): Awaitable<HostHandle> {
    if (this.qid.type === QT.dir) return new DirectoryHandle(this.#session, this.#found);
    const { facet } = this.#found.place;
    this.qid.version = this.#session.version(this.#found) % u32 || this.qid.version;
    const opened = noted(this.#session, () => this.#session.open(this.#found, { read, write }));
    return andThen(opened, (handle) =>
      facet === "follow" ? new FollowHandle(this.#session, handle) : new FileHandle(this.#session, handle),
    );
  }
}
