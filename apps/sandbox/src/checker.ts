import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import * as z from "zod";
import { frame } from "./frames.ts";
import type { SandboxJob, SandboxReason } from "./job.ts";
import { oneLine } from "./line.ts";
import type { Runner } from "./process.ts";

/** An instrumented module, or why there is none. */
export type Checked =
  | { readonly module: Uint8Array; readonly instrumentedDigest: string }
  | { readonly reason: SandboxReason; readonly code: string | null; readonly message: string };

const Refusal = z.object({ code: z.string(), message: z.string() });
/** Bytes hashed in one piece, about a millisecond. */
const hashedBytes = 1024 * 1024;

async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes.length; at += hashedBytes) {
    hash.update(bytes.subarray(at, at + hashedBytes));
    if (at + hashedBytes < bytes.length) await new Promise((resolve) => setImmediate(resolve));
  }
  return hash.digest("hex");
}

function refused(code: string, message: string): Checked {
  return { reason: "refused", code, message };
}

/** What the checker needs of its pool. */
export interface CheckerOptions {
  /** `begun` gets the process before it is ready. */
  readonly start: (begun: (runner: Runner) => void) => Promise<Runner>;
  /** Bytes of a module before instrumentation. */
  readonly moduleBytes: number;
  /** Bytes of instrumented modules kept. */
  readonly cacheBytes: number;
  /** Milliseconds for one module. */
  readonly checkMs: number;
}

/**
 * Checks and instruments in a process of its own that only ever parses: it never compiles or runs foreign code, so what
 * comes out of it is as trustworthy as our parser. Results are kept by the digest of the original.
 */
export class Checker implements AsyncDisposable {
  readonly #options: CheckerOptions;
  readonly #kept = new Map<string, Checked>();
  #keptBytes = 0;
  #runner: Promise<Runner> | undefined;
  #begun: Runner | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  #asked = 0;

  constructor(options: CheckerOptions) {
    this.#options = options;
  }

  /** Starts its process before it is needed. */
  async warm(): Promise<void> {
    await this.#start().catch(() => {});
  }

  #start(): Promise<Runner> {
    this.#runner ??= this.#options.start((runner) => {
      this.#begun = runner;
    });
    return this.#runner;
  }

  async check(job: Pick<SandboxJob, "module" | "digest">): Promise<Checked> {
    const known = this.#kept.get(job.digest);
    if (known) {
      this.#kept.delete(job.digest);
      this.#kept.set(job.digest, known);
      return known;
    }
    const turn = this.#last.then(() => this.#kept.get(job.digest) ?? this.#fresh(job));
    this.#last = turn.catch(() => {});
    return await turn;
  }

  async #fresh(job: Pick<SandboxJob, "module" | "digest">): Promise<Checked> {
    const bytes = await this.#read(job.module);
    if (!(bytes instanceof Uint8Array)) return bytes;
    if ((await digestOf(bytes)) !== job.digest)
      return refused("sandbox.digest", `Cannot run module: its sha256 is not ${job.digest.slice(0, 64)}`);
    this.#asked += 1;
    const checked = await this.#ask(bytes).finally(() => {
      this.#asked -= 1;
    });
    if ("module" in checked || checked.reason === "refused") this.#keep(job.digest, checked);
    return checked;
  }

  async #read(module: SandboxJob["module"]): Promise<Uint8Array | Checked> {
    const most = this.#options.moduleBytes;
    const size = "bytes" in module ? module.bytes.length : (await stat(module.path)).size;
    if (size > most) return refused("sandbox.oversize", `Cannot run module: ${size} bytes, at most ${most}`);
    return "bytes" in module ? module.bytes : await readFile(module.path);
  }

  async #ask(bytes: Uint8Array): Promise<Checked> {
    if (this.#closed) return { reason: "canceled", code: null, message: "The pool was closed" };
    const runner = await this.#start().catch((thrown) => {
      this.#runner = undefined;
      throw thrown;
    });
    const late = () => runner.kill("timeout", "Checking the module took too long");
    const timer = runner.time.after(this.#options.checkMs, late);
    runner.send(frame.admit, bytes);
    const answer = await runner.next();
    timer.stop();
    const checked = answer && (await this.#understand(answer.kind, answer.payload));
    if (checked) return checked;
    this.#runner = undefined;
    if (answer) runner.kill("crash", "The checker broke its protocol");
    const { reason, message } = await runner.ended();
    return { reason, code: null, message: oneLine(`Cannot check module: ${message}`) };
  }

  async #understand(kind: number, payload: Buffer): Promise<Checked | undefined> {
    try {
      if (kind === frame.refused) {
        const { code, message } = Refusal.parse(JSON.parse(payload.toString()));
        return refused(oneLine(code), oneLine(message));
      }
      if (kind !== frame.admitted) return undefined;
      const module = payload.subarray(4 + payload.readUInt32LE(0));
      return { module, instrumentedDigest: await digestOf(module) };
    } catch {
      return undefined;
    }
  }

  #keep(digest: string, checked: Checked): void {
    const size = (entry: Checked) => 512 + ("module" in entry ? entry.module.length : entry.message.length);
    this.#kept.set(digest, checked);
    this.#keptBytes += size(checked);
    for (const [oldest, entry] of this.#kept) {
      if (this.#keptBytes <= this.#options.cacheBytes || oldest === digest) return;
      this.#kept.delete(oldest);
      this.#keptBytes -= size(entry);
    }
  }

  /** Ends its process, unless that is at work for somebody who still waits; the next module gets another. */
  rest(wanted: boolean): void {
    if (this.#asked > 0 && wanted) return;
    const runner = this.#runner;
    this.#runner = undefined;
    this.#begun?.kill("canceled", "It rests");
    void runner?.then((one) => one[Symbol.asyncDispose]()).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const runner = await this.#runner?.catch(() => undefined);
    await runner?.[Symbol.asyncDispose]();
  }
}
