import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Of a 64-bit kernel's `struct input_event`: seconds, microseconds, type, code, value. */
const eventBytes = 24;
/** Keys, relative and absolute movement; what else a device tells is not a person's doing. */
const personal = new Set([1, 2, 3]);
/** Devices are looked for again so often, milliseconds. */
const rescanMs = 10_000;
/** An event whose time is further from ours was told by another clock, milliseconds. */
const trustedMs = 5000;

// The readers end with us: their parent waits on a pipe that the kernel closes when we die, and ends its group.
const script =
  'for device; do while :; do cat "$device" 2>/dev/null; sleep 1; done & done; read line; kill 0';

/** Whether a person can move something on it: keys of a keyboard or a mouse, or an axis. */
function isPersonal(sys: string, name: string): boolean {
  const of = (kind: string): bigint[] | undefined => {
    try {
      const text = readFileSync(join(sys, "class/input", name, "device/capabilities", kind), "latin1");
      return text
        .trim()
        .split(/\s+/)
        .map((part) => BigInt(`0x${part}`))
        .reverse();
    } catch {
      return undefined;
    }
  };
  const keys = of("key");
  if (keys === undefined) return true;
  const has = (bit: number) => ((keys[Math.floor(bit / 64)] ?? 0n) >> BigInt(bit % 64)) & 1n;
  // KEY_A, BTN_LEFT, BTN_SOUTH, BTN_TOUCH.
  if ([30, 0x110, 0x130, 0x14a].some((bit) => has(bit) === 1n)) return true;
  return (of("rel") ?? [0n]).some((word) => word !== 0n);
}

/** When the first movement in these bytes was made, milliseconds since 1970; undefined when there is none. */
export function firstMovement(bytes: Buffer, now: number): number | undefined {
  for (let at = 0; at + eventBytes <= bytes.length; at += eventBytes) {
    if (!personal.has(bytes.readUInt16LE(at + 16))) continue;
    const told = Number(bytes.readBigInt64LE(at)) * 1000 + Number(bytes.readBigInt64LE(at + 8)) / 1000;
    return Math.abs(told - now) < trustedMs ? told : now;
  }
  return undefined;
}

/** One event as a kernel would tell it; for tests and benches. */
export function inputEvent(at: number, type = 1, code = 30, value = 1): Buffer {
  const bytes = Buffer.alloc(eventBytes);
  bytes.writeBigInt64LE(BigInt(Math.floor(at / 1000)), 0);
  bytes.writeBigInt64LE(BigInt(Math.floor((at % 1000) * 1000)), 8);
  bytes.writeUInt16LE(type, 16);
  bytes.writeUInt16LE(code, 18);
  bytes.writeInt32LE(value, 20);
  return bytes;
}

/**
 * Reads input devices and tells each movement at once, with the time that the kernel gave it. Node would need one of its
 * four threads for each device that it reads; so a shell and one `cat` for each device read them for us.
 */
export class InputWatch implements Disposable {
  readonly #dir: string;
  readonly #sys: string;
  readonly #moved: (at: number) => void;
  readonly #now: () => number;
  #devices: readonly string[] = [];
  #reader: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #held: Buffer = Buffer.alloc(0);

  constructor(dir: string, sys: string, now: () => number, moved: (at: number) => void) {
    this.#dir = dir;
    this.#sys = sys;
    this.#now = now;
    this.#moved = moved;
  }

  /** Devices that are read. */
  get devices(): readonly string[] {
    return this.#devices;
  }

  start(): void {
    this.#scan();
    this.#timer = setInterval(() => this.#scan(), rescanMs).unref();
  }

  #found(): string[] {
    try {
      return readdirSync(this.#dir)
        .filter((name) => /^event\d+$/.test(name) && isPersonal(this.#sys, name))
        .map((name) => join(this.#dir, name))
        .filter((path) => {
          try {
            accessSync(path, constants.R_OK);
            return true;
          } catch {
            return false;
          }
        })
        .sort();
    } catch {
      return [];
    }
  }

  #scan(): void {
    const found = this.#found();
    if (found.join() === this.#devices.join()) return;
    this.#devices = found;
    this.#end();
    if (found.length === 0) return;
    const reader = spawn("/bin/sh", ["-c", script, "sh", ...found], {
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
      env: {},
    });
    reader.stdin?.on("error", () => {});
    reader.on("error", () => {});
    reader.stdout?.on("data", (bytes: Buffer) => this.#take(bytes));
    for (const part of [reader, reader.stdin, reader.stdout]) (part as { unref?(): void } | null)?.unref?.();
    this.#reader = reader;
  }

  #take(bytes: Buffer): void {
    const all = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const whole = all.length - (all.length % eventBytes);
    this.#held = Buffer.from(all.subarray(whole));
    const at = firstMovement(all.subarray(0, whole), this.#now());
    if (at !== undefined) this.#moved(at);
  }

  #end(): void {
    this.#reader?.stdin?.end();
    this.#reader = undefined;
    this.#held = Buffer.alloc(0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#end();
  }
}
