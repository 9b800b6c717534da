import { createHash } from "node:crypto";
import {
  type Authority,
  type Blobs,
  defineProvider,
  fullAuthority,
  Kernel,
  type Session,
} from "@skep/kernel";
import { jobsProvider } from "@skep/provider-jobs";
import { workersProvider } from "@skep/provider-workers";
import { commitTo, createSigner, type Signer, signReceipt } from "@skep/receipt";
import { seeded } from "../clock/seeded.ts";
import { simulatedClock } from "../clock/simulated-clock.ts";
import { recordingFiles } from "../storage/recording-files.ts";
import { Queue } from "./queue.ts";

/** A fleet that exists only in time. */
export interface FleetOptions {
  readonly seed: number;
  readonly workers: number;
  readonly jobs: number;
  /** Share of the machines that vanish in the midst of it and come back. */
  readonly vanish: number;
}

/** What a fleet did; the times are processor milliseconds of this process. */
export interface FleetReport {
  readonly attached: number;
  readonly attachMs: number;
  readonly beats: number;
  readonly beatMs: number;
  readonly done: number;
  readonly placed: number;
  readonly workMs: number;
  readonly vanished: number;
  /** Milliseconds of simulated time. */
  readonly lasted: number;
  /** SHA-256 of all journal segments. */
  readonly digest: string;
}

const module = "ab".repeat(32);
const hour = 3_600_000;
const limits = { wallMs: 60_000, memoryBytes: 65_536, fuel: "1000000", stdoutBytes: 4096, stderrBytes: 4096 };
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What the fleet's jobs need of other providers: a module that is there, and machines that nobody invited. */
const elsewhere = () =>
  defineProvider<null>({
    name: "elsewhere",
    doc: "A module that is there",
    initial: () => null,
    events: {},
    offers: {
      members: () => ({ get: () => undefined }),
      spawned: () => ({ ids: () => [], has: () => false }),
      cas: () => ({ sizeFor: () => 10, size: () => 10 }),
    },
    mounts: () => ({}),
  });

function workerAuthority(id: string): Authority {
  const at = `/worker/${id}`;
  const own = (path: string) => path === at || path.startsWith(`${at}/`);
  return {
    ...fullAuthority(id, "worker"),
    blocks: [{ id: `block-${id}` }],
    allows: (path) => (own(path) ? { meters: [] } : undefined),
    touches: (path) => own(path) || at.startsWith(path),
  };
}

interface Lease {
  readonly job: string;
  readonly job_id: string;
  readonly try: number;
}

interface Agent {
  readonly id: string;
  readonly signer: Signer;
  session: Session | undefined;
  life: number;
  readonly running: Set<string>;
}

/** Processor milliseconds that some work took. */
async function spent(work: () => Promise<void>): Promise<number> {
  const from = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1000;
}

/** Kernel, sessions and providers as they are shipped, among machines and a network that are events of a seeded queue. */
class Fleet {
  readonly #options: FleetOptions;
  readonly #random: () => number;
  readonly #clock;
  readonly #files = recordingFiles();
  readonly #queue = new Queue();
  readonly #agents: Agent[] = [];
  readonly #flying = new Set<Promise<unknown>>();
  #kernel: Kernel | undefined;
  attached = 0;
  beats = 0;
  done = 0;
  placed = 0;
  vanished = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#random = seeded(options.seed);
    this.#clock = simulatedClock(options.seed);
  }

  get now(): number {
    return this.#clock.monotonic();
  }

  get #hive(): Kernel {
    if (!this.#kernel) throw new Error("the hive is not open");
    return this.#kernel;
  }

  /** From 5 to 80 ms, as between homes. */
  #latency(): number {
    return 5 + 75 * this.#random() ** 3;
  }

  #later(ms: number, act: () => void): void {
    this.#queue.plan(this.now + ms, act);
  }

  /** A request of a machine: there after a while, answered after another. */
  #ask(agent: Agent, path: string, line: object, answered: () => void = () => undefined): void {
    const { session } = agent;
    this.#later(this.#latency(), () => {
      if (!session || session !== agent.session) return;
      const asked = session.append(path, line as never).then(
        ({ verdict }) => {
          if (verdict !== "refused") this.#later(this.#latency(), answered);
        },
        () => undefined,
      );
      this.#flying.add(asked);
      void asked.finally(() => this.#flying.delete(asked));
    });
  }

  async open(): Promise<void> {
    let drawn = 0;
    const found = new Map<string, number>();
    this.#kernel = await Kernel.open({
      files: this.#files,
      clock: this.#clock,
      version: "fleet",
      index: {
        upTo: 0,
        add: (entries) => {
          for (const { key, seq } of entries) found.set(key, seq);
        },
        find: async (_kind, key) => found.get(key),
        page: async () => [],
        count: async () => found.size,
        touched: async () => [],
        close: async () => undefined,
      },
      providers: [
        elsewhere(),
        workersProvider(),
        jobsProvider({
          blobs: { read: async () => new Uint8Array(0) } as unknown as Blobs,
          limits: { standard: limits, most: limits },
          record: (seq) => this.#hive.journal.record(seq),
          ended: async (job) => found.get(job),
          keepEndedMs: hour,
        }),
      ],
      defer: (act) => void setImmediate(act),
      fatal: (error) => {
        throw error;
      },
      chance: () => sha256(`${this.#options.seed}/${drawn++}`),
      born: () => ({ id: "hive-fleet", name: "fleet" }),
    });
  }

  attach(agent: Agent): void {
    agent.session = this.#hive.attach(workerAuthority(agent.id), "mesh");
    agent.life += 1;
    const { session, life } = agent;
    const hello = {
      op: "hello",
      incarnation: `${agent.id}-${life}-life`,
      key: agent.signer.publicKey,
      slots: 1,
      kinds: ["wasm"],
      grades: ["shared"],
    };
    void this.#follow(agent, session);
    this.#ask(agent, `/worker/${agent.id}/ctl`, hello, () => {
      this.attached += 1;
    });
  }

  async #follow(agent: Agent, session: Session): Promise<void> {
    try {
      const place = await session.find(`/worker/${agent.id}/inbox.follow`);
      const inbox = await session.open(place, { read: true, write: false });
      const { size } = await session.stat(place);
      for (let at = size; agent.session === session; ) {
        const bytes = await inbox.read(at, 65_536);
        at += bytes.length;
        const text = Buffer.from(bytes).toString();
        if (text !== "") this.#later(this.#latency(), () => this.#hear(agent, session, text));
      }
    } catch {
      // The session has ended.
    }
  }

  #hear(agent: Agent, session: Session, text: string): void {
    if (agent.session !== session) return;
    for (const line of text.trim().split("\n")) {
      const lease = JSON.parse(line) as Lease;
      if (lease.job === undefined || agent.running.has(lease.job)) continue;
      agent.running.add(lease.job);
      this.placed += 1;
      const { life } = agent;
      this.#later(1000 + 20_000 * this.#random() ** 4, () => {
        if (agent.life === life && agent.session) this.#finish(agent, lease);
      });
    }
  }

  #finish(agent: Agent, { job, job_id: jobId }: Lease): void {
    agent.running.delete(job);
    const { commitment, chunks } = commitTo([]);
    const result = {
      job_spec_hash: [...Buffer.from(jobId, "hex")],
      output_commitment: [...commitment],
      output_chunk_count: chunks,
      completion: "stop" as const,
      resumption: null,
      metrics: {
        total_duration_ms: 1,
        prompt_tokens: 0,
        completion_tokens: 0,
        extra: { module_hash: `sha256:${module}`, exit_code: "0", job },
      },
    };
    const completedAt = BigInt(this.#clock.now()) * 1_000_000n;
    const receipt = signReceipt(agent.signer, { result, jobId, completedAt });
    const none = { bytes: 0, inline: "" };
    const line = { op: "done", job, exit: 0, stdout: none, stderr: none, receipt };
    this.#ask(agent, `/worker/${agent.id}/results`, line, () => {
      this.done += 1;
    });
  }

  /** The machine with this number sleeps for so long, or for a minute or so. */
  vanish(at: number, ms = 10_000 + 60_000 * this.#random()): void {
    const agent = this.#agents[at];
    if (agent?.session) this.#vanish(agent, ms);
  }

  #vanish(agent: Agent, ms: number): void {
    this.vanished += 1;
    const { session } = agent;
    agent.session = undefined;
    agent.life += 1;
    agent.running.clear();
    // Nobody says so: the hive misses the signs of life.
    this.#later(6500, () => session?.close("no sign of life"));
    this.#later(ms, () => this.attach(agent));
  }

  /** Lets everything happen until so much time has passed or enough is true. */
  async pass(ms: number, enough: () => boolean = () => false): Promise<void> {
    const end = this.now + ms;
    while (this.now < end && !enough()) {
      const next = Math.min(this.#queue.next, end, this.now + 1000);
      await this.#clock.advanceAsync(Math.max(0, next - this.now));
      // What is of one millisecond happens together, as it does to a daemon.
      while (this.#queue.next <= this.now + 1) this.#queue.take()?.act();
      await Promise.all([...this.#flying]);
    }
  }

  join(): void {
    for (let at = 0; at < this.#options.workers; at += 1) {
      const id = `w-${String(at).padStart(5, "0")}`;
      const signer = createSigner(Buffer.from(sha256(id), "hex"));
      const agent: Agent = { id, signer, session: undefined, life: 0, running: new Set() };
      this.#agents.push(agent);
      this.#later(10_000 * this.#random(), () => this.attach(agent));
    }
  }

  /** One sign of life of everybody, as a machine gives it while it works. */
  beat(): void {
    for (const agent of this.#agents)
      this.#ask(agent, `/worker/${agent.id}/results`, { op: "renew" }, () => {
        this.beats += 1;
      });
  }

  /** Numbers of the machines that run something. */
  get busy(): readonly number[] {
    return this.#agents.flatMap(({ running }, at) => (running.size > 0 ? [at] : []));
  }

  submit(): void {
    const owner = this.#hive.attach(fullAuthority("owner"), "cli");
    const { jobs, vanish, workers } = this.#options;
    const line = { op: "submit", run: { kind: "wasm", module } };
    for (let at = 0; at < jobs; at += 1)
      this.#later(10_000 * this.#random(), () => {
        const asked = owner.append("/jobs/ctl", line as never);
        this.#flying.add(asked);
        void asked.finally(() => this.#flying.delete(asked));
      });
    for (let at = 0; at < workers * vanish; at += 1) {
      const which = Math.floor(this.#random() * workers);
      this.#later(1000 + 15_000 * this.#random(), () => this.vanish(which));
    }
    for (let at = 5000; at < 600_000; at += 5000)
      this.#later(at, () => {
        for (const agent of this.#agents)
          if (agent.running.size > 0) this.#ask(agent, `/worker/${agent.id}/results`, { op: "renew" });
      });
  }

  async close(): Promise<string> {
    for (const agent of this.#agents) agent.session = undefined;
    await this.#hive.close();
    const hash = createHash("sha256");
    for (const name of this.#hive.journal.segments.names) {
      const bytes = (await this.#files.size(name)) ?? 0;
      hash.update(name).update(await this.#files.read(name, 0, bytes));
    }
    return hash.digest("hex");
  }
}

/** Runs a fleet through attach, signs of life, and jobs of which some lose their machine. */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const fleet = new Fleet(options);
  await fleet.open();
  fleet.join();
  const attachMs = await spent(() => fleet.pass(60_000, () => fleet.attached >= options.workers));
  fleet.beat();
  const beatMs = await spent(() => fleet.pass(1000));
  fleet.submit();
  const workMs = await spent(() => fleet.pass(600_000, () => fleet.done >= options.jobs));
  const { attached, beats, done, placed, vanished, now: lasted } = fleet;
  const digest = await fleet.close();
  return { attached, attachMs, beats, beatMs, done, placed, workMs, vanished, lasted, digest };
}

/** What became of the work of a machine that slept for a day, and of the machine. */
export interface Slept {
  /** Simulated milliseconds from its falling asleep until all work was done by others. */
  readonly replaced: number;
  /** Simulated milliseconds from its waking until it was attached. */
  readonly back: number;
  /** Jobs done after it woke. */
  readonly after: number;
}

/** Two machines work; one of them falls asleep in the midst of a job, for a day of simulated time. */
export async function sleepADay(seed: number): Promise<Slept> {
  const fleet = new Fleet({ seed, workers: 2, jobs: 8, vanish: 0 });
  await fleet.open();
  fleet.join();
  await fleet.pass(60_000, () => fleet.attached === 2);
  fleet.submit();
  await fleet.pass(60_000, () => fleet.busy.length === 2);
  const [sleeper = 0] = fleet.busy;
  const asleep = fleet.now;
  fleet.vanish(sleeper, 24 * hour);
  await fleet.pass(10 * 60_000, () => fleet.done === 8);
  const replaced = fleet.now - asleep;
  await fleet.pass(asleep + 24 * hour - fleet.now);
  const woke = fleet.now;
  await fleet.pass(60_000, () => fleet.attached === 3);
  const back = fleet.now - woke;
  fleet.submit();
  await fleet.pass(60_000, () => fleet.busy.includes(sleeper));
  if (!fleet.busy.includes(sleeper)) throw new Error("the machine that woke was given nothing");
  await fleet.pass(10 * 60_000, () => fleet.done === 16);
  const after = fleet.done - 8;
  await fleet.close();
  return { replaced, back, after };
}
