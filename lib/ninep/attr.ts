import type { Body } from "./codec.ts";
import { GETATTR, MODE, OPEN, QT, SETATTR } from "./constants.ts";
import type { U64 } from "./cursor.ts";
import { fault } from "./faults.ts";
import type { Qid } from "./fields.ts";
import type { Attr, HostFile, OpenMode } from "./host.ts";

export function isDirectory(qid: Qid): boolean {
  return (qid.type & QT.dir) !== 0;
}

/** The open mode that Linux flags ask for; bits that nobody knows stay in `flags` and change nothing. */
export function openMode(flags: number): OpenMode {
  const access = flags & OPEN.accessMask;
  return {
    read: access !== OPEN.writeOnly,
    write: access !== OPEN.readOnly,
    append: (flags & OPEN.append) !== 0,
    truncate: (flags & OPEN.truncate) !== 0,
    flags,
  };
}

function claimed(attr: Attr): number {
  let bits: number = GETATTR.basic & ~(GETATTR.atime | GETATTR.mtime | GETATTR.ctime);
  if (attr.atime !== undefined) bits |= GETATTR.atime;
  if (attr.mtime !== undefined) bits |= GETATTR.mtime;
  if (attr.ctime !== undefined) bits |= GETATTR.ctime;
  if (attr.btime !== undefined) bits |= GETATTR.btime;
  if (attr.gen !== undefined) bits |= GETATTR.gen;
  if (attr.dataVersion !== undefined) bits |= GETATTR.dataVersion;
  return bits;
}

function seconds(ms = 0): number {
  return Math.max(0, Math.floor(ms / 1000));
}

function nanoseconds(ms = 0): number {
  return ms <= 0 ? 0 : Math.min(999_999_999, Math.floor((ms % 1000) * 1e6));
}

function fullMode(attr: Attr, qid: Qid): number {
  if ((attr.mode & MODE.mask) !== 0) return attr.mode;
  if (isDirectory(qid)) return attr.mode | MODE.dir;
  return attr.mode | ((qid.type & QT.symlink) !== 0 ? MODE.symlink : MODE.file);
}

function blocksOf(size: U64): U64 {
  return typeof size === "number" ? Math.ceil(size / 512) : (size + 511n) / 512n;
}

/** The answer to Tgetattr: every bit that was asked for is answered, or missing in `valid`. */
export function getattrReply(attr: Attr, qid: Qid, mask: U64, blksize: number): Body<"Rgetattr"> {
  const asked = typeof mask === "number" ? mask & 0x3fff : Number(mask & 0x3fffn);
  return {
    valid: asked & claimed(attr),
    qid,
    mode: fullMode(attr, qid),
    uid: attr.uid ?? 0,
    gid: attr.gid ?? 0,
    nlink: attr.nlink ?? 1,
    rdev: 0,
    size: attr.size,
    blksize,
    blocks: blocksOf(attr.size),
    atimeSec: seconds(attr.atime),
    atimeNsec: nanoseconds(attr.atime),
    mtimeSec: seconds(attr.mtime),
    mtimeNsec: nanoseconds(attr.mtime),
    ctimeSec: seconds(attr.ctime),
    ctimeNsec: nanoseconds(attr.ctime),
    btimeSec: seconds(attr.btime),
    btimeNsec: nanoseconds(attr.btime),
    gen: attr.gen ?? 0,
    dataVersion: attr.dataVersion ?? 0,
  };
}

const TOUCH = SETATTR.atime | SETATTR.mtime | SETATTR.ctime | SETATTR.atimeSet | SETATTR.mtimeSet;

/** Lets pass what changes nothing: truncation to nothing and times, of files that ignore both. */
export function checkSetattr(file: HostFile, body: Body<"Tsetattr">): void {
  if ((body.valid & ~(TOUCH | SETATTR.size)) !== 0) throw fault.byDesign();
  if (body.valid === 0) return;
  if ((body.valid & SETATTR.size) !== 0 && body.size !== 0) throw fault.byDesign();
  if (!file.ignoresTruncate) throw fault.byDesign();
}
