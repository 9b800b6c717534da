import { encodeFrame } from "@skep/grammar";
import type { Counters } from "./about.ts";
import { type ConsoleSocket, drained } from "./socket.ts";

const full = 64 * 1024;

/** Lines on their way out, in order; many frames leave in one write. */
export class Outbox {
  readonly #socket: ConsoleSocket;
  readonly #counters: Counters;
  #frames: Buffer[] = [];
  #size = 0;

  constructor(socket: ConsoleSocket, counters: Counters) {
    this.#socket = socket;
    this.#counters = counters;
  }

  /** True when it is time to flush. */
  put(lines: readonly string[]): boolean {
    for (const line of lines) {
      const frame = encodeFrame(line);
      this.#frames.push(frame);
      this.#size += frame.length;
      if (line.startsWith("ERR ")) this.#counters.refusals++;
    }
    return this.#size >= full;
  }

  /** Sends what there is; waits while the other side does not read. */
  async flush(): Promise<void> {
    if (this.#frames.length === 0 || this.#socket.destroyed) return;
    this.#counters.framesOut += this.#frames.length;
    this.#counters.bytesOut += this.#size;
    const bytes = this.#frames.length === 1 ? this.#frames[0] : Buffer.concat(this.#frames, this.#size);
    this.#frames = [];
    this.#size = 0;
    if (bytes && !this.#socket.write(bytes)) await drained(this.#socket);
  }
}
