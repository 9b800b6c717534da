import type { Clock, Timer } from "@skep/clock";
import type { Handle } from "@skep/kernel";
import { fault } from "../faults.ts";

/** Bytes of a blob that are there so far. */
export interface Upload {
  readonly handle: Handle;
  offset: number;
  busy: boolean;
  timer: Timer | undefined;
}

const idle = 600_000;
const most = 64;

/** Uploads that are not whole yet: whoever was cut off goes on where it was, for ten minutes. */
export class Uploads {
  readonly #clock: Clock;
  readonly #all = new Map<string, Upload>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Bytes that are there of an upload; undefined where there is none. */
  offset(key: string): number | undefined {
    return this.#all.get(key)?.offset;
  }

  /** Begins anew at 0, goes on at an offset. Throws `http.offset`, `http.busy`. */
  async take(key: string, offset: number, open: () => Promise<Handle>): Promise<Upload> {
    const known = this.#all.get(key);
    if (known?.busy) throw fault.offset("another request is sending it");
    if (known && known.offset === offset) return this.#held(known);
    if (offset !== 0) throw fault.offset(offset);
    if (known) await this.drop(key);
    if (this.#all.size >= most) throw fault.busy("uploads");
    const upload: Upload = { handle: await open(), offset: 0, busy: true, timer: undefined };
    this.#all.set(key, upload);
    return upload;
  }

  #held(upload: Upload): Upload {
    upload.timer?.stop();
    upload.busy = true;
    return upload;
  }

  /** Keeps what is there for whoever goes on. */
  rest(key: string): void {
    const upload = this.#all.get(key);
    if (!upload) return;
    upload.busy = false;
    upload.timer = this.#clock.after(idle, () => void this.drop(key));
  }

  /** Ends an upload, whole or not. */
  async drop(key: string): Promise<void> {
    const upload = this.#all.get(key);
    this.#all.delete(key);
    upload?.timer?.stop();
    await upload?.handle.close();
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#all.keys()].map((key) => this.drop(key)));
  }
}
