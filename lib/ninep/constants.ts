/** The tag of Tversion and of nothing else. */
export const NOTAG = 0xffff;
/** "No fid": the afid of an attach without authentication. */
export const NOFID = 0xffff_ffff;
/** "No uid": n_uname of clients that give only a name. */
export const NONUNAME = 0xffff_ffff;
/** The only dialect spoken here. */
export const DIALECT = "9P2000.L";
/** Bytes of size, type and tag before a message's own fields. */
export const HEADER = 7;
/** Bytes that a client keeps free of msize around the data of a read or write. */
export const IO_HEADER = 24;
/** Names in one Twalk. */
export const MAX_WALK = 16;

/** Bits of qid.type. */
export const QT = {
  dir: 0x80,
  append: 0x40,
  excl: 0x20,
  auth: 0x08,
  tmp: 0x04,
  symlink: 0x02,
  file: 0,
} as const;

/** Linux open flags as Tlopen carries them, whatever the architecture of either side. */
export const OPEN = {
  readOnly: 0,
  writeOnly: 0o1,
  readWrite: 0o2,
  accessMask: 0o3,
  create: 0o100,
  truncate: 0o1000,
  append: 0o2000,
  directory: 0o200000,
} as const;

/** Bits of request_mask and valid in Tgetattr and Rgetattr. */
export const GETATTR = {
  mode: 0x1,
  nlink: 0x2,
  uid: 0x4,
  gid: 0x8,
  rdev: 0x10,
  atime: 0x20,
  mtime: 0x40,
  ctime: 0x80,
  ino: 0x100,
  size: 0x200,
  blocks: 0x400,
  btime: 0x800,
  gen: 0x1000,
  dataVersion: 0x2000,
  basic: 0x7ff,
} as const;

/** Bits of valid in Tsetattr. */
export const SETATTR = {
  mode: 0x1,
  uid: 0x2,
  gid: 0x4,
  size: 0x8,
  atime: 0x10,
  mtime: 0x20,
  ctime: 0x40,
  atimeSet: 0x80,
  mtimeSet: 0x100,
} as const;

/** File type bits of a mode. */
export const MODE = { mask: 0o170000, dir: 0o040000, file: 0o100000, symlink: 0o120000 } as const;

/** Entry types of Rreaddir, as in Linux dirents. */
export const DT = { unknown: 0, dir: 4, file: 8, symlink: 10 } as const;

/** Types of Tlock and Tgetlock, and the answers to Tlock. */
export const LOCK = { read: 0, write: 1, unlock: 2, success: 0, blocked: 1, error: 2, grace: 3 } as const;

/** The file system type that statfs reports, V9FS_MAGIC of Linux. */
export const V9FS_MAGIC = 0x0102_1997;
