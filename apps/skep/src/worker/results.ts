import { type Clock, delay } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { RemoteFile } from "@skep/ninep";
import { isLater, isLost } from "./faults.ts";
import type { Spool, Spooled } from "./spool.ts";

interface Pending {
  readonly job: string;
  readonly attempt: number;
  readonly line: string;
  spooled: boolean;
  sending: boolean;
}

/** A result that is not acknowledged within so long goes to the disk, milliseconds. */
const spoolAfter = 50;
/** Wait before a result that the hive could not take yet is sent again. */
const againAfter = 250;

/** Results on their way: sent, sent again on the next connection, dropped once the hive has answered. */
export class Results {
  readonly #spool: Spool;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  readonly #pending = new Map<string, Pending>();
  /** Answers that were committed to, by job: on the disk until they are told or not wanted any more. */
  readonly #held = new Map<string, Spooled>();
  #file: RemoteFile | undefined;

  constructor(spool: Spool, clock: Clock, log: (line: string) => void) {
    this.#spool = spool;
    this.#clock = clock;
    this.#log = log;
    for (const { job, attempt, line } of spool.read())
      this.#pending.set(`${job}-${attempt}`, { job, attempt, line, spooled: true, sending: false });
    for (const held of spool.read("held")) this.#held.set(held.job, held);
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Whether a result of this job is on its way. An answer that an earlier try committed to is given up for this one. */
  has(job: string, attempt: number): boolean {
    if (this.#held.get(job)?.attempt !== attempt) this.forget(job);
    return this.#held.has(job) || [...this.#pending.values()].some((pending) => pending.job === job);
  }

  /** From now on results go to this file; resolves when what waited was sent. */
  async attach(file: RemoteFile): Promise<void> {
    this.#file = file;
    for (const pending of this.#pending.values()) pending.sending = false;
    await Promise.all([...this.#pending.values()].map((pending) => this.#send(pending)));
  }

  /** This file is gone; where another one took its place nothing changes. */
  detach(file: RemoteFile): void {
    if (this.#file !== file) return;
    this.#file = undefined;
    for (const pending of this.#pending.values()) this.#keep(pending);
  }

  /** Jobs whose answers wait here until the hive asks for them. */
  get held(): Iterable<string> {
    return this.#held.keys();
  }

  /** Commits to an answer and keeps it until `reveal`: on the disk first, so that whoever committed can tell. */
  async commit(
    job: string,
    attempt: number,
    told: { readonly commit: string; readonly line: string },
  ): Promise<void> {
    this.#spool.keep(job, attempt, told.line, "held");
    this.#held.set(job, { job, attempt, line: told.line });
    await this.add(job, attempt, told.commit);
  }

  /** Everybody has committed: the answer goes. */
  async reveal(job: string): Promise<void> {
    const held = this.#held.get(job);
    if (!held) return;
    this.#held.delete(job);
    this.#spool.release(job, held.attempt);
    await this.add(job, held.attempt, held.line, true);
  }

  /** The hive does not want an answer any more. */
  forget(job: string): void {
    const held = this.#held.get(job);
    if (!held) return;
    this.#held.delete(job);
    this.#spool.drop(job, held.attempt, "held");
  }

  /** Resolves when the hive has answered, or at once without a connection. */
  async add(job: string, attempt: number, line: string, spooled = false): Promise<void> {
    const pending: Pending = { job, attempt, line, spooled, sending: false };
    this.#pending.set(`${job}-${attempt}`, pending);
    if (!this.#file) return this.#keep(pending);
    const late = this.#clock.after(spoolAfter, () => this.#keep(pending));
    await this.#send(pending);
    late.stop();
  }

  #keep(pending: Pending): void {
    if (pending.spooled || !this.#pending.has(`${pending.job}-${pending.attempt}`)) return;
    pending.spooled = true;
    this.#spool.keep(pending.job, pending.attempt, pending.line);
  }

  #drop({ job, attempt, spooled }: Pending): void {
    this.#pending.delete(`${job}-${attempt}`);
    if (spooled) this.#spool.drop(job, attempt);
  }

  async #send(pending: Pending): Promise<void> {
    const file = this.#file;
    if (!file || pending.sending) return;
    pending.sending = true;
    try {
      await file.write(Buffer.from(`${pending.line}\n`));
      this.#drop(pending);
    } catch (thrown) {
      const told = toFault(thrown);
      // Answered on the connection before this one.
      if (!this.#pending.has(`${pending.job}-${pending.attempt}`)) return undefined;
      if (isLost(told)) return this.#keep(pending);
      if (isLater(told)) return this.#later(pending, file);
      this.#log(`result of job ${pending.job} was refused: ${await whyOf(file, told.message)}`);
      this.#drop(pending);
    }
  }

  #later(pending: Pending, file: RemoteFile): void {
    this.#keep(pending);
    pending.sending = false;
    void delay(this.#clock, againAfter).then(() => {
      if (this.#file === file) return this.#send(pending);
      return undefined;
    });
  }
}

/** The last refusal that the control tells, which says more than an errno. */
async function whyOf(results: RemoteFile, otherwise: string): Promise<string> {
  try {
    const parts: Uint8Array[] = [];
    for (let bytes = await results.read(0, 65_536); bytes.length > 0; bytes = await results.read(0, 65_536))
      parts.push(Buffer.from(bytes));
    const refused = Buffer.concat(parts)
      .toString()
      .split("\n")
      .findLast((line) => line.includes('"verdict":"refused"'));
    return refused ? String((JSON.parse(refused) as { message?: unknown }).message) : otherwise;
  } catch {
    return otherwise;
  }
}
