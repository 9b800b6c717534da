import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { Clock } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import type { SandboxCheckpoint } from "@skep/sandbox";
import { type Pace, unpaced } from "../owner/pace.ts";
import { fault, isLater } from "./faults.ts";
import type { Lease } from "./lease.ts";

type Use = <T>(act: (client: Client) => Promise<T>) => Promise<T>;

/** Bytes of the blob store that a job goes on from; throws `worker.checkpoint` for bytes that are not those. */
async function fetchKept(
  { digest, bytes }: NonNullable<Lease["resume"]>,
  use: Use,
  pace = unpaced,
): Promise<Buffer> {
  return await use(async (client) => {
    await using file = await client.open(`/cas/${digest}`);
    const parts: Buffer[] = [];
    for (let at = 0; at < bytes; ) {
      const part = Buffer.from(await file.read(at, Math.min(file.iounit, bytes - at)));
      if (part.length === 0) break;
      await pace(part.length);
      parts.push(part);
      at += part.length;
    }
    const all = Buffer.concat(parts);
    if (createHash("sha256").update(all).digest("hex") !== digest) throw fault.checkpoint(digest);
    return all;
  });
}

/** Stores bytes by their digest; whoever stored the same before cannot store them again. */
async function store(client: Client, digest: string, bytes: Uint8Array, pace: Pace): Promise<void> {
  try {
    await using file = await client.open(`/cas/${digest}`, "write");
    for (let at = 0; at < bytes.length; at += file.iounit) {
      const part = bytes.subarray(at, at + file.iounit);
      await pace(part.length);
      await file.writeAll(part, at);
    }
  } catch (thrown) {
    if (toFault(thrown).kind !== "conflict") throw thrown;
  }
}

/** What a job that goes back may take for storing what it kept last, milliseconds. */
const longestLast = 3000;

/** What keeping a job's file takes. */
export interface KeepingMeans {
  readonly clock: Clock;
  readonly use: <T>(act: (client: Client) => Promise<T>, signal: AbortSignal) => Promise<T>;
  readonly pace?: Pace;
  /** Appends a line to the results and waits for the answer; throws the refusal. */
  readonly tell: (line: object) => Promise<unknown>;
  readonly log: (line: string) => void;
}

/** What was stored, as the hive is told it. */
export interface Stored {
  readonly digest: string;
  readonly bytes: number;
}

/** The file of one running job: stored at its interval, when it has changed; the last one also when the job goes back. */
export class Keeping implements Disposable {
  readonly #lease: Lease;
  readonly #means: KeepingMeans;
  readonly #everyMs: number;
  #content: Uint8Array | undefined;
  #newest: Uint8Array | undefined;
  #told: string | undefined;
  #busy: Promise<unknown> = Promise.resolve();
  readonly #over = new AbortController();
  #timer: { stop(): void } | undefined;

  private constructor(lease: Lease, everyMs: number, means: KeepingMeans, content: Uint8Array | undefined) {
    this.#lease = lease;
    this.#everyMs = everyMs;
    this.#means = means;
    this.#content = content;
    this.#told = lease.resume?.digest;
    this.#wait();
  }

  /** Fetches what the job goes on from; undefined for one that keeps nothing. */
  static async begin(lease: Lease, means: KeepingMeans, signal: AbortSignal): Promise<Keeping | undefined> {
    if (!lease.checkpoint) return undefined;
    const content =
      lease.resume && (await fetchKept(lease.resume, (act) => means.use(act, signal), means.pace));
    return new Keeping(lease, lease.checkpoint.everyMs, means, content);
  }

  /** What the sandbox is told of the file. */
  get file(): SandboxCheckpoint {
    const { file = "/", maxBytes = 0 } = this.#lease.checkpoint ?? {};
    return {
      directory: posix.dirname(file),
      name: posix.basename(file),
      limit: maxBytes,
      ...(this.#content ? { content: this.#content } : {}),
      onCommit: (bytes) => {
        this.#newest = bytes;
      },
    };
  }

  #wait(): void {
    this.#timer = this.#means.clock.after(this.#everyMs, () => {
      this.#wait();
      this.#busy = this.#busy.then(() => this.#ship());
    });
  }

  /** Stores the newest where it is not told yet. */
  async #put(): Promise<Stored | undefined> {
    const bytes = this.#newest;
    if (!bytes || bytes.length === 0) return undefined;
    const digest = createHash("sha256").update(bytes).digest("hex");
    if (digest === this.#told) return undefined;
    const { use, pace = unpaced } = this.#means;
    await use((client) => store(client, digest, bytes, pace), this.#over.signal);
    return { digest, bytes: bytes.length };
  }

  async #ship(): Promise<void> {
    try {
      const stored = await this.#put();
      if (!stored) return;
      await this.#means.tell({ op: "checkpoint", job: this.#lease.job, ...stored });
      this.#told = stored.digest;
    } catch (thrown) {
      const told = toFault(thrown);
      if (!isLater(told) && !this.#over.signal.aborted)
        this.#means.log(`checkpoint of job ${this.#lease.job}: ${told.message}`);
    }
  }

  /** Stores what is newest, for a job that goes back; undefined where that is told already, or cannot be stored in time. */
  async last(): Promise<Stored | undefined> {
    this.#timer?.stop();
    const late = this.#means.clock.after(longestLast, () => this.#over.abort());
    const stored = this.#busy.then(() => this.#put()).catch(() => undefined);
    const gone = new Promise<undefined>((resolve) => {
      this.#over.signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    const kept = await Promise.race([stored, gone]);
    late.stop();
    return kept;
  }

  /** Nothing more is stored. */
  [Symbol.dispose](): void {
    this.#timer?.stop();
    this.#over.abort();
  }
}
