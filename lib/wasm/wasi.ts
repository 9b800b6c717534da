import { Chance } from "./chance.ts";
import { Ending } from "./ending.ts";
import { withFiles } from "./file-calls.ts";
import { errno, Refusal } from "./guest.ts";
import type { JobInput } from "./job.ts";
import type { Meter } from "./meter.ts";
import { poll } from "./poll.ts";
import { preview1 } from "./preview1.table.ts";
import type { World } from "./world.ts";

/** One WASI function: 32-bit parameters come as signed numbers, 64-bit ones as bigints. */
type Call = (...args: never[]) => number;
type Words = readonly Uint8Array[];

/** What a host call costs beside what it moves, in fuel. */
const callCost = 500;
/** What one random byte costs. */
const chanceCost = 16;

function words(list: readonly string[]): Words {
  return list.map((word) => new TextEncoder().encode(`${word}\0`));
}

const sizeOf = (list: Words) => list.reduce((sum, word) => sum + word.length, 0);

/** Writes zero-terminated strings and the list of their places. */
function putWords({ guest, meter }: World, list: Words, places: number, text: number): number {
  const size = sizeOf(list);
  meter.spend(size >> 2);
  guest.place(places, 4 * list.length);
  const target = guest.bytes(text, size);
  let at = 0;
  for (const [n, word] of list.entries()) {
    guest.setU32(places + 4 * n, (text >>> 0) + at);
    target.set(word, at);
    at += word.length;
  }
  return errno.success;
}

function putSizes({ guest }: World, list: Words, count: number, size: number): number {
  guest.place(count, 4);
  guest.place(size, 4);
  guest.setU32(count, list.length);
  guest.setU32(size, sizeOf(list));
  return errno.success;
}

function wordCalls(world: World, input: JobInput): Record<string, Call> {
  const args = words(input.args);
  const names = Object.keys(input.env).sort();
  const env = words(names.map((name) => `${name}=${input.env[name]}`));
  return {
    args_get: (places: number, text: number) => putWords(world, args, places, text),
    args_sizes_get: (count: number, size: number) => putSizes(world, args, count, size),
    environ_get: (places: number, text: number) => putWords(world, env, places, text),
    environ_sizes_get: (count: number, size: number) => putSizes(world, env, count, size),
  };
}

function clockCalls({ guest, clock }: World): Record<string, Call> {
  return {
    clock_res_get: (id: number, target: number) => {
      clock.read(id);
      guest.setU64(target, 1n);
      return errno.success;
    },
    clock_time_get: (id: number, _precision: bigint, target: number) => {
      guest.setU64(target, clock.read(id));
      return errno.success;
    },
  };
}

function descriptorCalls({ stdio }: World): Record<string, Call> {
  const spipe = (fd: number) => stdio.open(fd) && errno.spipe;
  const only = (number: number) => (fd: number) => stdio.open(fd) && number;
  return {
    fd_advise: spipe,
    fd_allocate: only(errno.inval),
    fd_close: (fd: number) => stdio.close(fd),
    fd_datasync: only(errno.inval),
    fd_fdstat_get: (fd: number, target: number) => stdio.stat(fd, target),
    fd_fdstat_set_flags: (fd: number, flags: number) => stdio.setFlags(fd, flags),
    fd_filestat_get: (fd: number, target: number) => stdio.fileStat(fd, target),
    fd_filestat_set_size: only(errno.inval),
    fd_pread: spipe,
    fd_pwrite: spipe,
    fd_read: (fd: number, list: number, count: number, done: number) => stdio.read(fd, list, count, done),
    fd_readdir: only(errno.notdir),
    fd_seek: spipe,
    fd_sync: only(errno.inval),
    fd_tell: spipe,
    fd_write: (fd: number, list: number, count: number, done: number) => stdio.write(fd, list, count, done),
    sock_accept: only(errno.notsock),
    sock_recv: only(errno.notsock),
    sock_send: only(errno.notsock),
    sock_shutdown: only(errno.notsock),
  };
}

function processCalls(world: World, chance: Chance): Record<string, Call> {
  const { guest, meter } = world;
  return {
    poll_oneoff: (subscriptions: number, events: number, count: number, done: number) =>
      poll(world, subscriptions, events, count >>> 0, done),
    proc_exit: (code: number) => {
      throw new Ending("exit", `Exit ${code >>> 0}`, code >>> 0);
    },
    random_get: (pointer: number, length: number) => {
      const target = guest.bytes(pointer, length >>> 0);
      meter.spend(target.length * chanceCost);
      chance.fill(target);
      return errno.success;
    },
    sched_yield: () => errno.success,
  };
}

/** No directory is open where there is no checkpoint: what takes one finds a bad descriptor. */
const needsDirectory = /^(path_|fd_prestat_)/;

/** The import object `wasi_snapshot_preview1`; what this host does not have answers ENOSYS, or EBADF for files. */
export function preview1Imports(world: World, input: JobInput): Record<string, Call> {
  const streams: Record<string, Call> = {
    ...wordCalls(world, input),
    ...clockCalls(world),
    ...descriptorCalls(world),
    ...processCalls(world, new Chance(input.seed)),
  };
  const calls = world.files ? withFiles(world, world.files, streams) : streams;
  const imports: Record<string, Call> = {};
  const before = input.checkpoint?.onCall;
  for (const name of preview1.keys()) {
    const missing = needsDirectory.test(name) ? errno.badf : errno.nosys;
    const call = guarded(world.meter, Object.hasOwn(calls, name) ? calls[name] : undefined, missing);
    imports[name] = before
      ? (...args) => {
          before();
          return call(...args);
        }
      : call;
  }
  return imports;
}

function guarded(meter: Meter, call: Call | undefined, missing: number): Call {
  return (...args: never[]) => {
    meter.spend(callCost);
    try {
      return call ? call(...args) : missing;
    } catch (thrown) {
      if (thrown instanceof Refusal) return thrown.errno;
      throw thrown;
    }
  };
}
