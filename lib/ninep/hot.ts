// The messages of the hot paths, read and written without a walk through their tables. The tables stay the truth:
// a test compares each of these with its own.
import type { Reader, Writer } from "./cursor.ts";
import { data, qid, type Values } from "./fields.ts";
import { type MessageName, messages } from "./messages.ts";

type BodyOf<N extends MessageName> = Values<(typeof messages)[N][1]>;

/** The part of a message's codec that is done by hand. */
export interface Hot<B> {
  read(from: Reader): B;
  write(to: Writer, body: B): void;
}

const { names } = messages.Twalk[1];
const { qids } = messages.Rwalk[1];

const fidOnly: Hot<{ fid: number }> = {
  read: (from) => ({ fid: from.u32() }),
  write: (to, body) => to.u32(body.fid),
};

const nothing: Hot<object> = { read: () => ({}), write: () => undefined };

const getattr: Hot<BodyOf<"Rgetattr">> = {
  read: (from) => ({
    valid: from.u64(),
    qid: qid.read(from),
    mode: from.u32(),
    uid: from.u32(),
    gid: from.u32(),
    nlink: from.u64(),
    rdev: from.u64(),
    size: from.u64(),
    blksize: from.u64(),
    blocks: from.u64(),
    atimeSec: from.u64(),
    atimeNsec: from.u64(),
    mtimeSec: from.u64(),
    mtimeNsec: from.u64(),
    ctimeSec: from.u64(),
    ctimeNsec: from.u64(),
    btimeSec: from.u64(),
    btimeNsec: from.u64(),
    gen: from.u64(),
    dataVersion: from.u64(),
  }),
  write(to, body) {
    to.u64(body.valid);
    qid.write(to, body.qid);
    to.u32(body.mode);
    to.u32(body.uid);
    to.u32(body.gid);
    to.u64(body.nlink);
    to.u64(body.rdev);
    to.u64(body.size);
    to.u64(body.blksize);
    to.u64(body.blocks);
    to.u64(body.atimeSec);
    to.u64(body.atimeNsec);
    to.u64(body.mtimeSec);
    to.u64(body.mtimeNsec);
    to.u64(body.ctimeSec);
    to.u64(body.ctimeNsec);
    to.u64(body.btimeSec);
    to.u64(body.btimeNsec);
    to.u64(body.gen);
    to.u64(body.dataVersion);
  },
};

/** By name; what is missing goes by its table. */
export const hot: { readonly [N in MessageName]?: Hot<BodyOf<N>> } = {
  Twalk: {
    read: (from) => ({ fid: from.u32(), newfid: from.u32(), names: names.read(from) }),
    write(to, body) {
      to.u32(body.fid);
      to.u32(body.newfid);
      names.write(to, body.names);
    },
  },
  Rwalk: { read: (from) => ({ qids: qids.read(from) }), write: (to, body) => qids.write(to, body.qids) },
  Tread: {
    read: (from) => ({ fid: from.u32(), offset: from.u64(), count: from.u32() }),
    write(to, body) {
      to.u32(body.fid);
      to.u64(body.offset);
      to.u32(body.count);
    },
  },
  Rread: { read: (from) => ({ data: data.read(from) }), write: (to, body) => data.write(to, body.data) },
  Twrite: {
    read: (from) => ({ fid: from.u32(), offset: from.u64(), data: data.read(from) }),
    write(to, body) {
      to.u32(body.fid);
      to.u64(body.offset);
      data.write(to, body.data);
    },
  },
  Rwrite: { read: (from) => ({ count: from.u32() }), write: (to, body) => to.u32(body.count) },
  Tgetattr: {
    read: (from) => ({ fid: from.u32(), requestMask: from.u64() }),
    write(to, body) {
      to.u32(body.fid);
      to.u64(body.requestMask);
    },
  },
  Rgetattr: getattr,
  Tlopen: {
    read: (from) => ({ fid: from.u32(), flags: from.u32() }),
    write(to, body) {
      to.u32(body.fid);
      to.u32(body.flags);
    },
  },
  Rlopen: {
    read: (from) => ({ qid: qid.read(from), iounit: from.u32() }),
    write(to, body) {
      qid.write(to, body.qid);
      to.u32(body.iounit);
    },
  },
  Tclunk: fidOnly,
  Rclunk: nothing,
};
