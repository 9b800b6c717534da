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

/** How many uploads there may be. */
export interface UploadLimits {
  /** Under way at a time, each with a file and a part of its bytes; 16 by default. The next ones wait in a line. */
  readonly active?: number;
  /** Cut off and kept; 64 by default. The oldest goes where one more comes. */
  readonly resting?: number;
  /** Waiting; 4,096 by default. Beyond, `http.busy`. */
  readonly waiting?: number;
}

/** Uploads that are not whole yet: whoever was cut off goes on where it was, for ten minutes. */
export class Uploads {
  readonly #clock: Clock;
  readonly #limits: Required<UploadLimits>;
  /** In the order in which they were taken up, the oldest first. */
  readonly #all = new Map<string, Upload>();
  readonly #line: (() => void)[] = [];
  #active = 0;
  #coming = 0;

  constructor(clock: Clock, { active = 16, resting = 64, waiting = 4096 }: UploadLimits = {}) {
    this.#clock = clock;
    this.#limits = { active, resting, waiting };
  }

  get size(): number {
    return this.#all.size;
  }

  /** Whether one more that comes will have to wait, behind those that wait or are looked at. */
  get isCrowded(): boolean {
    return this.#active + this.#line.length + this.#coming >= this.#limits.active;
  }

  /** Looks at one that comes before it is taken. */
  async coming<T>(look: () => Promise<T>): Promise<T> {
    this.#coming += 1;
    try {
      return await look();
    } finally {
      this.#coming -= 1;
    }
  }

  /** Bytes that are there of an upload; undefined where there is none. */
  offset(key: string): number | undefined {
    return this.#all.get(key)?.offset;
  }

  /** Begins anew at 0, goes on at an offset, when it is its turn. Throws `http.offset`, `http.busy`. */
  async take(key: string, offset: number, open: () => Promise<Handle>): Promise<Upload> {
    await this.#turn();
    try {
      return await this.#begin(key, offset, open);
    } catch (thrown) {
      this.#leave();
      throw thrown;
    }
  }

  async #begin(key: string, offset: number, open: () => Promise<Handle>): Promise<Upload> {
    const known = this.#all.get(key);
    if (known?.busy) throw fault.offset("another request is sending it");
    if (known && known.offset === offset) return this.#held(key, known);
    if (offset !== 0) throw fault.offset(offset);
    if (known) await this.drop(key);
    const upload: Upload = { handle: await open(), offset: 0, busy: true, timer: undefined };
    const other = this.#all.get(key);
    if (!other) return this.#held(key, upload);
    await upload.handle.close();
    throw fault.offset("another request is sending it");
  }

  #held(key: string, upload: Upload): Upload {
    upload.timer?.stop();
    upload.busy = true;
    this.#all.delete(key);
    this.#all.set(key, upload);
    return upload;
  }

  #turn(): Promise<void> {
    if (this.#active < this.#limits.active) {
      this.#active += 1;
      return Promise.resolve();
    }
    if (this.#line.length >= this.#limits.waiting) throw fault.busy("uploads");
    return new Promise((resolve) => this.#line.push(resolve));
  }

  // Whose turn it is next takes the place over.
  #leave(): void {
    const next = this.#line.shift();
    if (next) next();
    else this.#active -= 1;
  }

  /** Keeps what is there for whoever goes on. */
  async rest(key: string): Promise<void> {
    const upload = this.#all.get(key);
    if (!upload?.busy) return;
    if (upload.offset === 0) return this.drop(key);
    upload.busy = false;
    upload.timer = this.#clock.after(idle, () => void this.drop(key));
    this.#leave();
    const resting = [...this.#all].filter(([, { busy }]) => !busy);
    const [oldest] = resting;
    if (oldest && resting.length > this.#limits.resting) await this.drop(oldest[0]);
  }

  /** Ends an upload, whole or not. */
  async drop(key: string): Promise<void> {
    const upload = this.#all.get(key);
    if (!upload) return;
    this.#all.delete(key);
    upload.timer?.stop();
    if (upload.busy) this.#leave();
    await upload.handle.close();
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#all.keys()].map((key) => this.drop(key)));
  }
}
