import { type Files, right } from "./files.ts";
import { errno, Refusal } from "./guest.ts";
import type { MemoryFile } from "./memory-file.ts";
import type { World } from "./world.ts";

type Call = (...args: never[]) => number;

const typeDirectory = 3;
const typeFile = 4;
const direntBytes = 24;
/** What what is opened in the directory may do. */
const inherited = 0xffff_ffffn;

function putStat({ guest }: World, file: MemoryFile | undefined, pointer: number): number {
  const target = guest.bytes(pointer, 64);
  target.fill(0);
  target[16] = file ? typeFile : typeDirectory;
  guest.setU64(pointer + 8, file?.number ?? 1n);
  guest.setU64(pointer + 24, file?.linked === false ? 0n : 1n);
  guest.setU64(pointer + 32, BigInt(file?.size ?? 0));
  return errno.success;
}

/** Descriptors of files; those of streams are somebody else's. */
function ofDescriptors(world: World, files: Files): Record<string, Call> {
  const { guest } = world;
  const sync = (needs: bigint) => (fd: number) => {
    if (files.get(fd).file) files.commit(files.file(fd, needs).file);
    return errno.success;
  };
  return {
    fd_advise: (fd: number) => files.get(fd) && errno.success,
    fd_allocate: (fd: number, offset: bigint, length: bigint) => {
      const { file } = files.file(fd, right.allocate);
      const end = files.offset(offset) + files.offset(length);
      if (end > file.size) files.resize(file, end);
      return errno.success;
    },
    fd_close: (fd: number) => {
      files.close(fd);
      return errno.success;
    },
    fd_datasync: sync(right.datasync),
    fd_sync: sync(right.sync),
    fd_fdstat_get: (fd: number, pointer: number) => {
      const { file, flags, rights } = files.get(fd);
      const target = guest.bytes(pointer, 24);
      target.fill(0);
      target[0] = file ? typeFile : typeDirectory;
      target[2] = flags;
      guest.setU64(pointer + 8, rights);
      if (!file) guest.setU64(pointer + 16, inherited);
      return errno.success;
    },
    fd_fdstat_set_flags: (fd: number, flags: number) => {
      if (flags >>> 0 > 31) return errno.inval;
      files.get(fd).flags = flags;
      return errno.success;
    },
    fd_fdstat_set_rights: (fd: number, rights: bigint) => {
      const open = files.get(fd);
      if ((BigInt.asUintN(64, rights) & ~open.rights) !== 0n) return errno.notcapable;
      open.rights = BigInt.asUintN(64, rights);
      return errno.success;
    },
    fd_filestat_get: (fd: number, pointer: number) => putStat(world, files.get(fd).file, pointer),
    fd_filestat_set_size: (fd: number, size: bigint) => {
      files.resize(files.file(fd, right.setSize).file, files.offset(size));
      return errno.success;
    },
  };
}

/** Reading, writing and moving in a file. */
function ofBytes({ guest }: World, files: Files): Record<string, Call> {
  return {
    fd_read: (fd: number, list: number, count: number, done: number) => {
      const open = files.file(fd, right.read);
      guest.place(done, 4);
      const read = files.read(open.file, open.at, list, count);
      open.at += read;
      guest.setU32(done, read);
      return errno.success;
    },
    fd_write: (fd: number, list: number, count: number, done: number) => {
      const open = files.file(fd, right.write);
      guest.place(done, 4);
      const at = (open.flags & 1) === 0 ? open.at : open.file.size;
      const written = files.write(open, at, list, count);
      open.at = at + written;
      guest.setU32(done, written);
      return errno.success;
    },
    fd_pread: (fd: number, list: number, count: number, offset: bigint, done: number) => {
      guest.place(done, 4);
      const { file } = files.file(fd, right.read | right.seek);
      guest.setU32(done, files.read(file, files.offset(offset), list, count));
      return errno.success;
    },
    fd_pwrite: (fd: number, list: number, count: number, offset: bigint, done: number) => {
      guest.place(done, 4);
      const open = files.file(fd, right.write | right.seek);
      guest.setU32(done, files.write(open, files.offset(offset), list, count));
      return errno.success;
    },
    fd_seek: (fd: number, by: bigint, from: number, target: number) => {
      guest.place(target, 8);
      guest.setU64(target, BigInt(files.seek(files.file(fd, right.seek), by, from)));
      return errno.success;
    },
    fd_tell: (fd: number, target: number) => {
      guest.setU64(target, BigInt(files.file(fd, right.tell).at));
      return errno.success;
    },
  };
}

interface Entry {
  readonly name: Uint8Array;
  readonly type: number;
  readonly number: bigint;
}

function listed(files: Files): Entry[] {
  const encoder = new TextEncoder();
  return [
    ...[".", ".."].map((name) => ({ name: encoder.encode(name), type: typeDirectory, number: 1n })),
    ...files.entries.map(([name, { number }]) => ({ name: encoder.encode(name), type: typeFile, number })),
  ];
}

function readDirectory({ guest, meter }: World, files: Files): Call {
  return (fd: number, pointer: number, length: number, cookie: bigint, done: number) => {
    if (files.get(fd).file) return errno.notdir;
    const target = guest.bytes(pointer, length >>> 0);
    guest.place(done, 4);
    const first = files.offset(cookie);
    let at = 0;
    for (const [n, { name, type, number }] of listed(files).entries()) {
      if (n < first || at >= target.length) continue;
      const bytes = new Uint8Array(direntBytes + name.length);
      const view = new DataView(bytes.buffer);
      view.setBigUint64(0, BigInt(n + 1), true);
      view.setBigUint64(8, number, true);
      view.setUint32(16, name.length, true);
      view.setUint8(20, type);
      bytes.set(name, direntBytes);
      meter.spend(bytes.length);
      // The last one may be cut: then the module asks again from it on.
      const part = bytes.subarray(0, target.length - at);
      target.set(part, at);
      at += part.length;
    }
    guest.setU32(done, at);
    return errno.success;
  };
}

/** What takes a path. There are no links, and no directory can be made or removed. */
function ofPaths(world: World, files: Files): Record<string, Call> {
  const { guest } = world;
  const refused = (fd: number, pointer: number, length: number) => {
    files.place(fd, pointer, length);
    return errno.notcapable;
  };
  return {
    fd_prestat_get: (fd: number, pointer: number) => {
      const { length } = files.preopened(fd);
      guest.bytes(pointer, 8).fill(0);
      guest.setU32(pointer + 4, length);
      return errno.success;
    },
    fd_prestat_dir_name: (fd: number, pointer: number, length: number) => {
      const name = files.preopened(fd);
      if (length >>> 0 < name.length) return errno.nametoolong;
      guest.bytes(pointer, name.length).set(name);
      return errno.success;
    },
    fd_readdir: readDirectory(world, files),
    path_create_directory: refused,
    path_filestat_get: (fd: number, _flags: number, pointer: number, length: number, target: number) =>
      putStat(world, files.at(files.place(fd, pointer, length)), target),
    path_filestat_set_times: (fd: number, _flags: number, pointer: number, length: number) =>
      refused(fd, pointer, length),
    path_link: (fd: number, _flags: number, pointer: number, length: number) => refused(fd, pointer, length),
    path_open: (
      ...[fd, , pointer, length, how, rights, , flags, target]: [
        ...[number, number, number, number, number, bigint, bigint, number, number],
      ]
    ) => {
      guest.place(target, 4);
      const place = files.place(fd, pointer, length);
      const opened = files.open(place, how >>> 0, BigInt.asUintN(64, rights), flags >>> 0);
      guest.setU32(target, opened);
      return errno.success;
    },
    path_readlink: (fd: number, pointer: number, length: number) => {
      files.at(files.place(fd, pointer, length));
      return errno.inval;
    },
    path_remove_directory: (fd: number, pointer: number, length: number) =>
      files.at(files.place(fd, pointer, length)) ? errno.notdir : errno.notcapable,
    path_rename: (
      ...[fd, from, fromLength, other, to, toLength]: [number, number, number, number, number, number]
    ) => {
      files.rename(files.place(fd, from, fromLength), files.place(other, to, toLength));
      return errno.success;
    },
    path_symlink: (_old: number, _oldLength: number, fd: number, pointer: number, length: number) =>
      refused(fd, pointer, length),
    path_unlink_file: (fd: number, pointer: number, length: number) => {
      files.remove(files.place(fd, pointer, length));
      return errno.success;
    },
  };
}

/** A stream or a socket is no directory: ENOTDIR where it is open. */
function isStream({ stdio }: World, fd: number): boolean {
  try {
    return stdio.open(fd);
  } catch (thrown) {
    if (thrown instanceof Refusal) return false;
    throw thrown;
  }
}

/** The calls of a host, with those on files beside those on streams. */
export function withFiles(
  world: World,
  files: Files,
  calls: Readonly<Record<string, Call>>,
): Record<string, Call> {
  const own = { ...ofDescriptors(world, files), ...ofBytes(world, files), ...ofPaths(world, files) };
  const both: Record<string, Call> = { ...calls };
  for (const [name, call] of Object.entries<Call>(own)) {
    const other = calls[name];
    if (name.startsWith("path_"))
      both[name] = (...args: never[]) => {
        const fd = Number(args[name === "path_symlink" ? 2 : 0]);
        return !files.has(fd) && isStream(world, fd) ? errno.notdir : call(...args);
      };
    else if (other)
      both[name] = (...args: never[]) => (files.has(Number(args[0])) ? call(...args) : other(...args));
    else both[name] = call;
  }
  return both;
}
