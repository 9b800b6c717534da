// The other end of a connection in memory, and a clock that tests move.
import type { Clock } from "@skep/clock";
import { encodeFrame, FrameReader, frameCap } from "@skep/grammar";
import type { ConsoleSocket } from "./socket.ts";

/** A clock that stands still until it is moved. */
export class MovedClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ at: number; act: () => void }>();

  now(): number {
    return 1_700_000_000_000 + this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): { stop(): void } {
    const timer = { at: this.#now + ms, act };
    this.#timers.add(timer);
    return { stop: () => this.#timers.delete(timer) };
  }

  /** Moves on, firing what falls due in its order. */
  move(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.act();
    }
    this.#now = end;
  }
}

/** One connection seen from the client. */
export class MemoryClient implements ConsoleSocket {
  destroyed = false;
  ended = false;
  /** False makes every write ask for a pause, until `drain` is called. */
  reading = true;
  readonly lines: string[] = [];
  readonly frames: string[] = [];
  writes = 0;
  readonly #reader = new FrameReader(frameCap);
  readonly #inbox: Uint8Array[] = [];
  readonly #wakers = new Set<() => void>();
  readonly #listeners: [string, () => void][] = [];

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (!this.destroyed) {
      const chunk = this.#inbox.shift();
      if (chunk) yield chunk;
      else if (this.ended) return;
      else await this.#changed();
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#wakers.add(resolve));
  }

  #wake(): void {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const wake of wakers) wake();
  }

  write(bytes: Uint8Array): boolean {
    this.writes++;
    for (const event of this.#reader.push(bytes)) {
      if (event.kind !== "line") throw new Error(`the console sent a bad frame: ${event.kind}`);
      this.lines.push(event.text);
      this.frames.push(encodeFrame(event.text).toString("hex", 0, 4));
    }
    this.#wake();
    return this.reading;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#fire("close");
    this.#wake();
  }

  setNoDelay(): void {
    // In memory nothing is delayed.
  }

  on(): void {
    // Errors do not happen in memory.
  }

  once(event: string, listener: () => void): void {
    this.#listeners.push([event, listener]);
  }

  removeListener(event: string, listener: () => void): void {
    const at = this.#listeners.findIndex(([name, each]) => name === event && each === listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  #fire(event: string): void {
    for (const [name, listener] of [...this.#listeners]) if (name === event) listener();
  }

  drain(): void {
    this.reading = true;
    this.#fire("drain");
  }

  /** Client side: bytes as they come off the network. */
  bytes(chunk: Uint8Array): void {
    this.#inbox.push(chunk);
    this.#wake();
  }

  /** Client side: lines in one segment. */
  say(...lines: readonly string[]): void {
    this.bytes(Buffer.concat(lines.map((line) => encodeFrame(line))));
  }

  /** Client side: the connection is lost. */
  hangUp(): void {
    this.ended = true;
    this.#wake();
  }

  /** Waits until `count` lines came in all, or the connection ended. */
  async until(count: number): Promise<string[]> {
    while (this.lines.length < count && !this.destroyed) await this.#changed();
    return this.lines;
  }

  /** Sends a line and takes its answer: everything before the answer to a PING behind it. */
  async ask(line: string): Promise<string[]> {
    const from = this.lines.length;
    this.say(line, "PING");
    for (;;) {
      const at = this.lines.indexOf("PONG", from + (line.toUpperCase() === "PING" ? 2 : 0));
      if (at >= 0) return this.lines.slice(from, at - 1);
      if (this.destroyed) return this.lines.slice(from);
      await this.#changed();
    }
  }
}
