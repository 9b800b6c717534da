import { Ending } from "./ending.ts";
import { errno, type Guest, Refusal } from "./guest.ts";
import type { JobInput } from "./job.ts";
import type { Meter } from "./meter.ts";
import { type Vector, vectors } from "./vectors.ts";

/** Largest piece that is read or delivered at once. */
const piece = 65_536;
const rightRead = 1n << 1n;
const rightWrite = 1n << 6n;
const rightPoll = 1n << 27n;

type Stream = "stdout" | "stderr";

/** Descriptors 0, 1 and 2: pipes, each until it is closed. */
export class Stdio {
  readonly #guest: Guest;
  readonly #meter: Meter;
  readonly #input: JobInput;
  readonly #flags: (number | undefined)[] = [0, 0, 0];
  readonly written: Record<Stream, number> = { stdout: 0, stderr: 0 };
  #ended = false;

  constructor(guest: Guest, meter: Meter, input: JobInput) {
    this.#guest = guest;
    this.#meter = meter;
    this.#input = input;
  }

  /** True, or EBADF. */
  open(fd: number): true {
    if (this.#flags[fd] === undefined) throw new Refusal(errno.badf);
    return true;
  }

  close(fd: number): number {
    this.open(fd);
    this.#flags[fd] = undefined;
    return errno.success;
  }

  setFlags(fd: number, flags: number): number {
    this.open(fd);
    if (flags >>> 0 > 0x1f) return errno.inval;
    this.#flags[fd] = flags;
    return errno.success;
  }

  /** fdstat: type unknown, as WASI has none for pipes. */
  stat(fd: number, pointer: number): number {
    this.open(fd);
    const target = this.#guest.bytes(pointer, 24);
    target.fill(0);
    target[2] = this.#flags[fd] ?? 0;
    this.#guest.setU64(pointer + 8, (fd === 0 ? rightRead : rightWrite) | rightPoll);
    return errno.success;
  }

  /** filestat: all zero but one link. */
  fileStat(fd: number, pointer: number): number {
    this.open(fd);
    this.#guest.bytes(pointer, 64).fill(0);
    this.#guest.setU64(pointer + 24, 1n);
    return errno.success;
  }

  /** Fills every buffer, unless the input ends. */
  read(fd: number, list: number, count: number, done: number): number {
    this.open(fd);
    if (fd !== 0) return errno.badf;
    this.#guest.place(done, 4);
    let total = 0;
    for (const vector of vectors(this.#guest, this.#meter, list, count)) total += this.#fill(vector);
    // Buffers may overlap and so add up to more than 32 bits can say.
    this.#guest.setU32(done, total >>> 0);
    return errno.success;
  }

  #fill({ pointer, length }: Vector): number {
    let at = 0;
    while (at < length && !this.#ended) {
      const most = Math.min(length - at, piece);
      const bytes = this.#input.stdin.read(most);
      if (bytes.length > most) throw new RangeError("stdin gave more than was asked for");
      this.#ended = bytes.length === 0;
      this.#meter.spend(16 + (bytes.length >> 2));
      this.#guest.bytes(pointer, length).set(bytes, at);
      at += bytes.length;
    }
    return at;
  }

  /** Delivers all, or what is left to the limit and then ends the run. */
  write(fd: number, list: number, count: number, done: number): number {
    this.open(fd);
    if (fd === 0) return errno.badf;
    this.#guest.place(done, 4);
    const stream = fd === 1 ? "stdout" : "stderr";
    let total = 0;
    for (const { pointer, length } of vectors(this.#guest, this.#meter, list, count)) {
      this.#deliver(stream, pointer, length);
      total += length;
    }
    this.#guest.setU32(done, total >>> 0);
    return errno.success;
  }

  #deliver(stream: Stream, pointer: number, length: number): void {
    const limit = stream === "stdout" ? this.#input.stdoutLimit : this.#input.stderrLimit;
    const room = Math.min(length, limit - this.written[stream]);
    for (let at = 0; at < room; at += piece) {
      const size = Math.min(piece, room - at);
      this.#meter.spend(size >> 2);
      this.#input.onOutput(stream, this.#guest.bytes(pointer + at, size).slice());
      this.written[stream] += size;
    }
    if (room < length) throw new Ending("output", `${stream} is over its limit of ${limit} bytes`);
  }
}
