import type { Clock, Timer } from "@skep/clock";
import type { Client, RemoteFile } from "@skep/ninep";
import type { Capture, StreamName } from "./capture.ts";

/** A job that lasts longer is shown while it runs, milliseconds. */
const liveAfter = 200;
/** More output than this is shown at once, bytes of one stream. */
const liveBytes = 6 * 1024;

/**
 * Shows a job's output in the hive while it runs. Only a view: what counts is the result, so that a lost connection
 * ends the showing and nothing else.
 */
export class Live {
  readonly #job: string;
  readonly #client: () => Client | undefined;
  readonly #capture: Capture;
  readonly #timer: Timer;
  readonly #files = new Map<StreamName, RemoteFile>();
  #last: Promise<void> = Promise.resolve();
  #on = false;
  #over = false;

  constructor(job: string, capture: Capture, client: () => Client | undefined, clock: Clock) {
    this.#job = job;
    this.#capture = capture;
    this.#client = client;
    this.#timer = clock.after(liveAfter, () => this.#begin());
  }

  /** A piece that the capture has not got yet. */
  add(stream: StreamName, bytes: Uint8Array): Promise<void> | undefined {
    if (this.#over) return undefined;
    if (!this.#on) {
      if (this.#capture[stream].bytes + bytes.length <= liveBytes) return undefined;
      this.#begin();
    }
    return this.#show(stream, Buffer.from(bytes));
  }

  #begin(): void {
    if (this.#on || this.#over) return;
    this.#on = true;
    for (const stream of ["stdout", "stderr"] as const)
      if (this.#capture[stream].bytes > 0) void this.#show(stream, this.#capture[stream].held);
  }

  #show(stream: StreamName, bytes: Uint8Array): Promise<void> {
    this.#last = this.#last.then(() => this.#send(stream, bytes));
    return this.#last;
  }

  async #send(stream: StreamName, bytes: Uint8Array): Promise<void> {
    if (this.#over) return;
    try {
      let file = this.#files.get(stream);
      if (!file) {
        const client = this.#client();
        if (!client) throw new Error("no connection");
        file = await client.open(`/jobs/${this.#job}/${stream}`, "append");
        this.#files.set(stream, file);
      }
      await file.writeAll(bytes);
    } catch {
      this.#over = true;
    }
  }

  /** Resolves when all that was shown has left. */
  async end(): Promise<void> {
    this.#timer.stop();
    await this.#last;
    this.#over = true;
    await Promise.all([...this.#files.values()].map((file) => file.close()));
  }
}
