import { randomBytes } from "node:crypto";
import { totalmem } from "node:os";
import type { Clock } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { Keeping } from "./checkpoint.ts";
import { type Means, perform } from "./execute.ts";
import { fault } from "./faults.ts";
import { type Lease, Lines, readInbox } from "./lease.ts";
import { type Attached, Link } from "./link.ts";
import type { Ended } from "./result.ts";
import { Results } from "./results.ts";
import type { Spool } from "./spool.ts";
import type { Figures } from "./telling.ts";

/** What a worker is made of beside its means. */
export interface WorkerOptions {
  readonly means: Omit<Means, "use" | "client">;
  readonly spool: Spool;
  readonly dial: () => Promise<Client>;
  readonly slots: number;
  readonly version: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Kinds of work that are taken. */
  readonly kinds?: readonly string[];
  /** Why the owner of the machine does not take this job. */
  readonly refuses?: (lease: Lease) => string | undefined;
}

/** What the owner of the machine says, as the hive is told it. */
export interface OwnerSays {
  readonly state: "run" | "freeze" | "give-back" | "paused";
  readonly rules?: object;
  readonly [name: string]: unknown;
}

/** Why a job was stopped that its owner did not cancel. */
const byOwner = new Error("the owner of the machine needs it");

/** A job that is here before its turn. */
interface Waiting {
  readonly lease: Lease;
  readonly since: number;
}

interface Running {
  readonly lease: Lease;
  readonly stop: AbortController;
  readonly done: Promise<void>;
  /** The file that it keeps, from when that is here. */
  keeping?: Keeping;
}

/** How often the hive hears of this worker while there is work here, milliseconds. */
const beatEvery = 5000;
/** Beats that the hive leaves without an answer before the connection is taken for lost. */
const mostUnanswered = 3;
/** What running jobs get to end by themselves when the worker stops, milliseconds. */
const grace = 1000;
/** Jobs that one beat names. */
const mostNamed = 256;
const longestLine = 64 * 1024;
/** Jobs that are here before their turn, for each slot: a short job is over before the hive could send the next. */
const aheadOfSlot = 2;
/** A job whose turn has not come within so long goes back, milliseconds: another worker may be idle. */
const longestWait = 250;

/** A worker: says hello, follows its inbox, runs what is leased to it, tells the results. */
export class Worker {
  readonly incarnation: string = randomBytes(12).toString("hex");
  readonly #options: WorkerOptions;
  readonly #means: Means;
  readonly #link: Link;
  readonly #results: Results;
  readonly #running = new Map<string, Running>();
  /** Jobs whose modules run. */
  #busy = 0;
  readonly #waiting = new Map<string, Waiting>();
  #owner: OwnerSays = { state: "run" };
  /** Whether the hive knows, or has to know, of an owner. */
  #told = false;
  /** Jobs that ended here since it began, and how many of them were told as ended. */
  #endedJobs = 0;
  #toldEnded = 0;
  readonly #stopped = new AbortController();
  #beats: NodeJS.Timeout | undefined;
  #unanswered = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { clock, log, dial, means, spool } = options;
    this.#link = new Link({
      dial,
      clock,
      log,
      greet: (client) => this.#greet(client),
      serve: (attached) => this.#serve(attached),
    });
    this.#results = new Results(spool, clock, log);
    this.#means = {
      ...means,
      use: (act, signal) => this.#link.use(act, signal),
      client: () => this.#link.now?.client,
    };
  }

  get #home(): string {
    return `/worker/${this.#options.means.issuer.worker}`;
  }

  /** Works until `stop`; resolves when everything is told or returned. */
  async run(): Promise<void> {
    this.#beats = setInterval(() => this.#beat(), beatEvery);
    await this.#link.run();
    clearInterval(this.#beats);
  }

  async #greet(client: Client): Promise<Attached> {
    const { means, slots, version, clock } = this.#options;
    const results = await client.open(`${this.#home}/results`, "readWrite");
    // Before the hello: a new incarnation gives back what its predecessor had, also what that had finished.
    await this.#results.attach(results);
    const inbox = await client.open(`${this.#home}/inbox.follow`);
    const from = Number((await inbox.getattr()).size);
    const beat = await client.open(`${this.#home}/beat`, "append").catch(() => undefined);
    const hello = {
      op: "hello",
      incarnation: this.incarnation,
      key: means.issuer.signer.publicKey,
      slots,
      ahead: slots * aheadOfSlot,
      ...(beat ? { beats: true } : {}),
      kinds: this.#options.kinds ?? ["wasm"],
      grades: ["shared", "fresh"],
      layers: means.pool.layers,
      version,
      arch: process.arch,
      memory_bytes: totalmem(),
      now: clock.now(),
    };
    await client.append(`${this.#home}/ctl`, JSON.stringify(hello));
    if (this.#told) await client.append(`${this.#home}/ctl`, JSON.stringify({ op: "owner", ...this.#owner }));
    return { client, results, inbox, from, ...(beat ? { beat } : {}) };
  }

  async #serve(attached: Attached): Promise<void> {
    try {
      const { inbox, from } = attached;
      // What became of its jobs while there was no connection.
      this.#unanswered = 0;
      this.#beat(attached);
      const lines = new Lines(longestLine);
      const own = JSON.stringify({ hello: this.incarnation });
      let mine = false;
      for await (const bytes of inbox.follow({ offset: from }))
        for (const line of lines.push(bytes)) {
          // What stands before our own hello was for a process or a connection that is gone.
          if (!mine) mine = line === own;
          // Said again on another connection, which is told all that comes after.
          else if (line === own) return;
          else this.#take(line);
        }
    } finally {
      this.#results.detach(attached.results);
    }
  }

  #take(line: string): void {
    const said = readInbox(line);
    if ("cancel" in said) this.#cancel(said.cancel);
    else if ("reveal" in said) void this.#results.reveal(said.reveal);
    else if ("lease" in said) this.#accept(said.lease);
  }

  #accept(lease: Lease): void {
    const { job } = lease;
    // The hive tells again what it thinks is here: after every hello, and when it had given a job up meanwhile.
    if (this.#stopped.signal.aborted || this.#results.has(job, lease.try)) return;
    if (this.#running.has(job) || this.#waiting.has(job)) return;
    if (this.#owner.state !== "run") {
      void this.#tell({ op: "return", job, started: false, reason: "owner" });
      return;
    }
    const refused = this.#options.refuses?.(lease);
    if (refused !== undefined) {
      this.#refuse(lease, refused);
      return;
    }
    if (this.#busy < this.#options.slots) {
      this.#start(lease);
      return;
    }
    this.#waiting.set(job, { lease, since: this.#options.clock.monotonic() });
    this.#watch ??= setInterval(() => this.#giveBackLate(), longestWait / 2).unref();
  }

  #start(lease: Lease): void {
    this.#busy += 1;
    const stop = new AbortController();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const running: Running = { lease, stop, done };
    this.#running.set(lease.job, running);
    void this.#perform(running).finally(() => {
      this.#running.delete(lease.job);
      resolve();
    });
  }

  #refuse({ job }: Lease, why: string): void {
    this.#options.log(`job ${job} goes back: ${why}`);
    void this.#tell({ op: "return", job, started: false, reason: "owner" });
  }

  /** A slot is free, while the result of what it ran is on its way: one of those that wait begins. */
  #next(): void {
    this.#busy -= 1;
    const [first] = this.#waiting.values();
    if (!first || this.#busy >= this.#options.slots || this.#stopped.signal.aborted) return;
    this.#waiting.delete(first.lease.job);
    this.#start(first.lease);
  }

  // One that waits is started to be stopped at once: what is told of it is the same.
  #cancel(job: string): void {
    const waiting = this.#waiting.get(job);
    if (waiting) {
      this.#waiting.delete(job);
      this.#start(waiting.lease);
    }
    this.#running.get(job)?.stop.abort();
    this.#results.forget(job);
  }

  #giveBackLate(): void {
    const late = this.#options.clock.monotonic() - longestWait;
    for (const { lease, since } of this.#waiting.values()) if (since <= late) void this.#unstarted(lease);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }

  #unstarted({ job }: Lease): Promise<unknown> {
    this.#waiting.delete(job);
    const reason = this.#owner.state === "run" ? {} : { reason: "owner" };
    return this.#tell({ op: "return", job, started: false, ...reason });
  }

  /** The file of a job, where it keeps one. */
  async #keep(running: Running): Promise<Keeping | undefined> {
    const { lease, stop } = running;
    const { clock, log, means } = this.#options;
    const { pace } = means;
    const use: Means["use"] = (act, signal) => this.#link.use(act, signal);
    const tell = async (line: object) => {
      if (!this.#link.now) throw fault.stopped();
      await this.#link.now.results.write(Buffer.from(`${JSON.stringify(line)}\n`));
    };
    const keeping = await Keeping.begin(
      lease,
      { clock, log, use, tell, ...(pace ? { pace } : {}) },
      stop.signal,
    );
    if (keeping) running.keeping = keeping;
    return keeping;
  }

  async #run(running: Running): Promise<Ended> {
    try {
      const keeping = await this.#keep(running);
      return await perform(running.lease, this.#means, { signal: running.stop.signal, keeping });
    } finally {
      this.#next();
    }
  }

  /** A job goes back with what it kept last. */
  async #return({ lease, keeping }: Running, told: object = {}): Promise<void> {
    const kept = await keeping?.last();
    await this.#tell({ op: "return", job: lease.job, ...told, ...(kept ? { checkpoint: kept } : {}) });
  }

  async #perform(running: Running): Promise<void> {
    const { lease, stop } = running;
    const { signal } = stop;
    try {
      const ended = await this.#run(running);
      if (signal.aborted && this.#stopped.signal.aborted) return;
      if (signal.reason === byOwner) {
        await this.#return(running, { reason: "owner" });
        return;
      }
      this.#endedJobs += 1;
      const { line, commit } = ended;
      if (commit === undefined) await this.#results.add(lease.job, lease.try, line);
      else await this.#results.commit(lease.job, lease.try, { line, commit });
    } catch (thrown) {
      if (this.#stopped.signal.aborted) return;
      const { message, cause } = toFault(thrown);
      this.#options.log(`job ${lease.job}: ${message}${cause ? ` (${String(cause)})` : ""}`);
      this.#tell({ op: "return", job: lease.job });
    } finally {
      // A worker that stops looks at it after this.
      if (!this.#stopped.signal.aborted) running.keeping?.[Symbol.dispose]();
    }
  }

  /** What it has here at the moment, and how many jobs ended since it began. */
  get figures(): Figures {
    const { state } = this.#owner;
    return { running: this.#running.size, waiting: this.#waiting.size, ended: this.#endedJobs, owner: state };
  }

  /** Does something on the connection to the hive, again on the next one when it is lost. */
  use<T>(act: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#link.use(act, signal);
  }

  /** What the owner says now; while that is not `run`, every lease goes back at once. */
  obey(says: OwnerSays): void {
    this.#owner = says;
    this.#told ||= says.state !== "run" || Object.keys(says.rules ?? {}).length > 0;
    if (!this.#told) return;
    const line = JSON.stringify({ op: "owner", ...says });
    void this.#link.now?.client.append(`${this.#home}/ctl`, line).catch(() => undefined);
    if (says.state !== "run") for (const { lease } of this.#waiting.values()) void this.#unstarted(lease);
  }

  /** Everything that runs is stopped and goes back to the hive; fulfils with how many when they have ended. */
  async giveBack(): Promise<number> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort(byOwner);
    await Promise.all(running.map(({ done }) => done));
    return running.length;
  }

  /** Jobs that ended here since this was last asked. */
  ended(): number {
    const ended = this.#endedJobs - this.#toldEnded;
    this.#toldEnded = this.#endedJobs;
    return ended;
  }

  /** Tells that this worker lives and what it has; the hive tells to stop what is not wanted any more. */
  #beat(attached = this.#link.now): void {
    const jobs = [...this.#running.keys(), ...this.#waiting.keys(), ...this.#results.held];
    if (jobs.length === 0 || !attached) return;
    const { beat, client } = attached;
    if (!beat) {
      this.#tell({ op: "renew" });
      return;
    }
    if (this.#unanswered >= mostUnanswered) {
      client.rpc.close();
      return;
    }
    this.#unanswered += 1;
    const heard = () => {
      this.#unanswered = 0;
    };
    beat.write(Buffer.from(`${jobs.slice(0, mostNamed).join(" ")}\n`)).then(heard, () => undefined);
  }

  #tell(command: object): Promise<unknown> {
    const sent = this.#link.now?.results.write(Buffer.from(`${JSON.stringify(command)}\n`));
    return Promise.resolve(sent).catch(() => undefined);
  }

  /** Takes no more, gives back what does not end soon, says bye and ends. */
  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    const running = [...this.#running.values()];
    this.#stopped.abort();
    clearInterval(this.#watch);
    await Promise.all([...this.#waiting.values()].map(({ lease }) => this.#unstarted(lease)));
    const all = Promise.all(running.map(({ done }) => done));
    const late = new Promise((resolve) => setTimeout(resolve, grace).unref());
    if (running.length > 0) await Promise.race([all, late]);
    const left = [...this.#running.values()];
    for (const { stop } of left) stop.abort();
    await Promise.all(left.map((one) => this.#return(one)));
    for (const { keeping } of running) keeping?.[Symbol.dispose]();
    const client = this.#link.now?.client;
    await client?.append(`${this.#home}/ctl`, '{"op":"bye"}').catch(() => undefined);
    await this.#link.close();
  }
}
