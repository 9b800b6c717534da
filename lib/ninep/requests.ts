import { checkSetattr, getattrReply, isDirectory, openMode } from "./attr.ts";
import type { Pending } from "./calls.ts";
import type { Body, ReplyName, RequestName } from "./codec.ts";
import { DT, IO_HEADER, LOCK, NOFID, OPEN, QT, V9FS_MAGIC } from "./constants.ts";
import { fault } from "./faults.ts";
import { type Dirent, direntSize, type Qid } from "./fields.ts";
import type { Fid, Fids, Place } from "./fids.ts";
import { andThen, type Awaitable, type DirEntry, type Host, type HostHandle, type Root } from "./host.ts";

/** What a request may touch of its connection. */
export interface Serving {
  readonly host: Host;
  readonly fids: Fids;
  readonly msize: number;
  /** Makes a fid the root of a new attach. */
  attach(fid: number, root: Root): void;
  /** Forgets a fid, ends what waits on it and closes what it had open. */
  clunk(fid: number): void;
}

type Handler<N extends RequestName> = (
  at: Serving,
  body: Body<N>,
  call: Pending,
) => Awaitable<Body<ReplyName<N>>>;

const nothing = {};

/** Does what makes a fid, with its number reserved meanwhile. `drop` lets go of what nobody waits for any more. */
function making<T, U>(
  fids: Fids,
  number: number,
  call: Pending,
  work: () => Awaitable<T>,
  keep: (value: T) => U,
  drop?: (value: T) => void,
): Awaitable<U> {
  fids.reserve(number);
  call.release = () => fids.release(number);
  const kept = (value: T): U => {
    if (!call.done) return keep(value);
    drop?.(value);
    throw fault.canceled();
  };
  const failed = (thrown: unknown): never => {
    if (!call.done) fids.release(number);
    throw thrown;
  };
  try {
    const value = work();
    if (!(value instanceof Promise)) return keep(value);
    fids.begin(number);
    return value.then(kept, failed);
  } catch (thrown) {
    return failed(thrown);
  }
}

function stepTo(place: Place, name: string, call: Pending): Awaitable<Place> {
  if (!isDirectory(place.file.qid)) throw fault.notDirectory(name);
  if (name === "..") return place.parent ?? place;
  if (name === "" || name === ".") throw fault.absent(name);
  if (name.length > 255 || Buffer.byteLength(name) > 255) throw fault.nameTooLong();
  return andThen(place.file.walk(name, call), (file) => ({ file, parent: place }));
}

/** Walks as far as it goes; only a failure of the first step is one. */
function walkTo(from: Place, names: readonly string[], call: Pending): Awaitable<Place[]> {
  const places: Place[] = [];
  const stop = (thrown: unknown): Place[] => {
    if (places.length === 0) throw thrown;
    return places;
  };
  const go = (): Awaitable<Place[]> => {
    while (places.length < names.length && !call.done) {
      const step = stepTo(places.at(-1) ?? from, names[places.length] as string, call);
      if (step instanceof Promise) return step.then(next).catch(stop);
      places.push(step);
    }
    return places;
  };
  const next = (place: Place): Awaitable<Place[]> => {
    places.push(place);
    return go();
  };
  try {
    return go();
  } catch (thrown) {
    return stop(thrown);
  }
}

function arrive(fids: Fids, fid: Fid, newfid: number, number: number, places: Place[]): readonly Qid[] {
  const place = places.at(-1) ?? fid.place;
  if (newfid === number) fid.place = place;
  else fids.set(newfid, fid.attached, place);
  return places.map(({ file }) => file.qid);
}

function walk({ fids }: Serving, body: Body<"Twalk">, call: Pending): Awaitable<Body<"Rwalk">> {
  const fid = fids.get(body.fid);
  if (fid.list) throw fault.badFid(body.fid);
  const whole = (places: Place[]) => places.length === body.names.length;
  const keep = (places: Place[]): Body<"Rwalk"> => {
    if (call.done) throw fault.canceled();
    if (whole(places)) return { qids: arrive(fids, fid, body.newfid, body.fid, places) };
    if (body.newfid !== body.fid) fids.release(body.newfid);
    return { qids: places.map(({ file }) => file.qid) };
  };
  if (body.newfid !== body.fid)
    return making(fids, body.newfid, call, () => walkTo(fid.place, body.names, call), keep);
  if (fid.handle) throw fault.alreadyOpen(body.fid);
  return andThen(walkTo(fid.place, body.names, call), keep);
}

function attach(at: Serving, body: Body<"Tattach">, call: Pending): Awaitable<Body<"Rattach">> {
  if (body.afid !== NOFID) throw fault.noAuth();
  const { uname, aname, nUname } = body;
  return making(
    at.fids,
    body.fid,
    call,
    () => at.host.attach({ uname, aname, nUname }, call),
    (root) => {
      at.attach(body.fid, root);
      return { qid: root.file.qid };
    },
    (root) => root.close?.(),
  );
}

function open({ fids, msize }: Serving, body: Body<"Tlopen">, call: Pending): Awaitable<Body<"Rlopen">> {
  const fid = fids.get(body.fid);
  if (fid.handle || fid.list) throw fault.alreadyOpen(body.fid);
  const mode = openMode(body.flags);
  const { file } = fid.place;
  const directory = isDirectory(file.qid);
  if (directory && mode.write) throw fault.isDirectory();
  if (!directory && (body.flags & OPEN.directory) !== 0) throw fault.notDirectory();
  const opened = (handle: HostHandle): Body<"Rlopen"> => {
    if (call.done || fid.handle) {
      handle.close?.();
      throw fault.alreadyOpen(body.fid);
    }
    fid.handle = handle;
    fid.reads = mode.read;
    fid.writes = mode.write;
    return { qid: file.qid, iounit: msize - IO_HEADER };
  };
  const handle = file.open(mode, call);
  return handle instanceof Promise ? opening(fids, body.fid, call, handle.then(opened)) : opened(handle);
}

/** What comes for a fid while it is opened waits for that. */
function opening<T>(fids: Fids, number: number, call: Pending, work: Promise<T>): Promise<T> {
  fids.begin(number);
  call.release = () => fids.end(number);
  return work.finally(() => {
    if (!call.done) fids.end(number);
  });
}

function entryType(qid: Qid): number {
  if (isDirectory(qid)) return DT.dir;
  return (qid.type & QT.symlink) !== 0 ? DT.symlink : DT.file;
}

function pack(entries: readonly DirEntry[], room: number): Body<"Rreaddir"> {
  const packed: Dirent[] = [];
  let left = room;
  for (const { name, qid, cookie } of entries) {
    left -= direntSize(name);
    if (left < 0) break;
    packed.push({ qid, offset: cookie, type: entryType(qid), name });
  }
  if (packed.length === 0 && entries.length > 0) throw fault.shortCount();
  return { entries: packed };
}

function readdir(
  { fids, msize }: Serving,
  body: Body<"Treaddir">,
  call: Pending,
): Awaitable<Body<"Rreaddir">> {
  const { handle, place } = fids.get(body.fid);
  if (!isDirectory(place.file.qid)) throw fault.noListing();
  if (!handle?.readdir) throw fault.notOpen(body.fid);
  if (typeof body.offset !== "number") throw fault.badCookie();
  const room = Math.min(body.count, msize - 11);
  return andThen(handle.readdir(body.offset, room, call), (entries) => pack(entries, room));
}

function statfs({ fids }: Serving, { fid }: Body<"Tstatfs">): Awaitable<Body<"Rstatfs">> {
  const { root } = fids.get(fid).attached;
  const plain = { blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, fsid: 0 };
  return andThen(root.statfs?.() ?? {}, (told) => ({
    ...{ fstype: V9FS_MAGIC, bsize: 4096, ...plain, namelen: 255 },
    ...told,
  }));
}

/** Refuses what does not exist here by design; EPERM rather than EOPNOTSUPP, or Linux tries the older message. */
function refuse(...numbers: string[]) {
  return ({ fids }: Serving, body: object): never => {
    const given = body as Record<string, number>;
    for (const number of numbers) fids.get(given[number] as number);
    throw fault.byDesign();
  };
}

/** The requests that are answered from their decoded fields; Tversion, Tflush and Tread are the connection's own. */
export const requests: { readonly [N in RequestName]?: Handler<N> } = {
  Tattach: attach,
  Tauth() {
    throw fault.noAuth();
  },
  Twalk: walk,
  Tlopen: open,
  Treaddir: readdir,
  Tstatfs: statfs,
  Tclunk(at, { fid }) {
    at.clunk(fid);
    return nothing;
  },
  Tgetattr({ fids, msize }, { fid: number, requestMask }, call) {
    const { file } = fids.get(number).place;
    return andThen(file.getattr(call), (attr) =>
      getattrReply(attr, file.qid, requestMask, msize - IO_HEADER),
    );
  },
  Tsetattr({ fids }, body) {
    checkSetattr(fids.get(body.fid).place.file, body);
    return nothing;
  },
  Twrite({ fids }, { fid: number, offset, data }, call) {
    const fid = fids.get(number);
    if (isDirectory(fid.place.file.qid)) throw fault.isDirectory();
    if (!fid.writes || !fid.handle?.write) throw fault.notOpen(number);
    return andThen(fid.handle.write(Number(offset), data, call), (count) => {
      if (count >= 0 && count <= data.length) return { count };
      throw fault.hostBroke(`wrote ${count} of ${data.length}`);
    });
  },
  Tfsync({ fids }, { fid }, call) {
    const { handle } = fids.get(fid);
    if (!handle) throw fault.notOpen(fid);
    return andThen(handle.fsync?.(call), () => nothing);
  },
  /** Nobody holds a lock here, so none is promised: Linux makes ENOLCK of it. */
  Tlock({ fids }, { fid, lockType }) {
    fids.get(fid);
    return { status: lockType === LOCK.unlock ? LOCK.success : LOCK.error };
  },
  Tgetlock({ fids }, { fid, start, length, procId, clientId }) {
    fids.get(fid);
    return { lockType: LOCK.unlock, start, length, procId, clientId };
  },
  Txattrwalk({ fids }, { fid: number, newfid, name }, call) {
    const fid = fids.get(number);
    if (name !== "") throw fault.noAttribute(name);
    return making(
      fids,
      newfid,
      call,
      () => fids.set(newfid, fid.attached, fid.place, true),
      () => ({ size: 0 }),
    );
  },
  Treadlink({ fids }, { fid }) {
    fids.get(fid);
    throw fault.noLink();
  },
  Tremove(at, { fid }) {
    at.fids.get(fid);
    at.clunk(fid);
    throw fault.byDesign();
  },
  Tlcreate: refuse("fid"),
  Tsymlink: refuse("dfid"),
  Tmknod: refuse("dfid"),
  Trename: refuse("fid", "dfid"),
  Txattrcreate: refuse("fid"),
  Tlink: refuse("dfid", "fid"),
  Tmkdir: refuse("dfid"),
  Trenameat: refuse("olddirfid", "newdirfid"),
  Tunlinkat: refuse("dirfid"),
};
