import { createHash } from "node:crypto";
import {
  type Blobs,
  fullAuthority,
  type JournalRecord,
  Kernel,
  type Session,
  type Upload,
} from "@skep/kernel";
import { commitTo, createSigner, printRunFacts, signManifest, signReceipt } from "@skep/receipt";
import { recordingFiles, type SimulatedClock, simulatedClock } from "@skep/testing";
import { createSigner as createLogSigner } from "@skep/tlog";
import { promise } from "@skep/trust";
import { loadConfig } from "../config/mod.ts";
import { homeKeyOf } from "./keys.ts";
import { modelling, publisherKey } from "./models.ts";
import { StartLines } from "../hive/live.ts";
import { type Deps, jobLimits, mounts } from "../hive/mounts.ts";

const seconds = 1000;
const hours = 3600 * seconds;
const salt = "5a".repeat(32);
const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** Blobs in memory. */
class MemoryBlobs implements Blobs {
  readonly #held = new Map<string, Buffer>();

  async size(digest: string): Promise<number | undefined> {
    return this.#held.get(digest)?.length;
  }

  async read(digest: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#held.get(digest)?.subarray(offset, offset + length) ?? Buffer.alloc(0);
  }

  upload(digest: string): Upload {
    let bytes = Buffer.alloc(0);
    return {
      get size() {
        return bytes.length;
      },
      append: async (more) => {
        bytes = Buffer.concat([bytes, more]);
        if (sha256(bytes) !== digest) return false;
        this.#held.set(digest, bytes);
        return true;
      },
      close: async () => undefined,
    };
  }

  async put(bytes: Uint8Array): Promise<string> {
    const digest = sha256(bytes);
    this.#held.set(digest, Buffer.from(bytes));
    return digest;
  }

  async remove(digest: string): Promise<void> {
    this.#held.delete(digest);
  }

  async *list(): AsyncGenerator<{ digest: string; size: number; time: number }> {
    for (const [digest, bytes] of this.#held) yield { digest, size: bytes.length, time: 0 };
  }
}

function depsOf(clock: SimulatedClock, kernel: () => Kernel, stores: Pick<Deps, "blobs" | "files">): Deps {
  const config = loadConfig({ home: "/nowhere", env: { SKEP_MODELS_KEYS: publisherKey }, flags: {} });
  const figures = {
    version: "golden",
    node: "24",
    edges: () => ({}),
    warnings: () => [],
    sessions: () => kernel().sessions,
    pressure: () => kernel().metrics.pressure,
    ninep: () => ({ outstanding: 0, shortWrites: 0 }),
    undurable: () => 0,
    loop: () => ({ samples: 0, p50: 0, p99: 0, max: 0, recentMax: 0, recentOwn: 0 }),
  };
  const time = { drift: () => kernel().time.drift(), confirm: () => kernel().time.confirm() };
  const origin = "skep.invalid/hive-golden";
  return {
    home: "/nowhere",
    config,
    ...stores,
    live: {
      lines: new StartLines(),
      metrics: { collect: () => [] },
      proc: figures as never,
      queen: { mostLive: 8, clock: time },
    },
    journal: () => kernel().journal,
    record: (seq) => kernel().journal.record(seq),
    ended: async () => undefined,
    logSigner: createLogSigner(origin, homeKeyOf("log")),
    origin,
    fold: {
      snapshot: () => Promise.reject(new Error("no thread")),
      warm: async () => undefined,
      past: () => Promise.reject(),
      replay: () => Promise.reject(),
      close: async () => undefined,
    },
    limits: jobLimits(config),
    peers: {
      worker: (key) => `w-${key.slice(0, 12)}`,
      proves: () => true,
      issue: async ({ worker }) => sha256(`block of ${worker}`),
      sealed: () => undefined,
      code: () => "123456",
      wanted: () => undefined,
      self: () => ({}),
      path: () => undefined,
      volunteers: () => [],
      engage: () => Promise.reject(new Error("no mesh")),
    },
    scheduled: { misfit: () => undefined, submit: () => Promise.reject(new Error("no session")) },
    clock,
    started: 0,
  };
}

/** A hive of simulated time and fixed chance over the real providers. */
class Scenario {
  readonly clock = simulatedClock(20260101);
  readonly files = recordingFiles();
  readonly stores = { blobs: new MemoryBlobs(), files: recordingFiles() };
  #kernel: Kernel | undefined;
  #drawn = 0;

  get kernel(): Kernel {
    if (!this.#kernel) throw new Error("not open yet");
    return this.#kernel;
  }

  async open(): Promise<Session> {
    this.#kernel = await Kernel.open({
      files: this.files,
      clock: this.clock,
      version: "golden",
      providers: mounts(depsOf(this.clock, () => this.kernel, this.stores)),
      defer: (act) => void setImmediate(act),
      fatal: (error) => {
        throw error;
      },
      chance: () => sha256(`chance ${this.#drawn++}`),
      born: () => ({ id: "hive-golden", name: "golden" }),
    });
    return this.kernel.attach(fullAuthority("owner"), "golden");
  }

  async pass(ms: number): Promise<void> {
    await this.kernel.settled();
    await this.clock.advanceAsync(ms);
    await this.kernel.settled();
  }
}

/** What is looked up of a job's leases. */
interface Leased {
  readonly jobs: {
    get(id: string): { readonly leases: readonly { worker: string; try: number }[] } | undefined;
  };
}

/** A worker of the scenario: its key follows from its name. */
class GoldenWorker {
  readonly session: Session;
  readonly #signer;
  readonly #id: string;

  /** Reads of a job go through its owner: a worker that lost it does not see it any more. */
  readonly #owner: Session;

  constructor(kernel: Kernel, id: string, owner: Session) {
    this.#id = id;
    this.#owner = owner;
    this.#signer = createSigner(Buffer.from(sha256(id), "hex"));
    this.session = kernel.attach(fullAuthority(id, "worker"), "golden");
  }

  async hello(incarnation: string, slots = 1): Promise<void> {
    const line = { op: "hello", incarnation, key: this.#signer.publicKey, slots, kinds: ["wasm"] };
    await this.session.append(`/worker/${this.#id}/ctl`, line as never);
  }

  tell(line: object): Promise<object> {
    return this.session.append(`/worker/${this.#id}/results`, line as never);
  }

  /** Commits to an answer; told with the same salt it is kept. */
  async commit(kernel: Kernel, job: string, stdout: string): Promise<void> {
    const { slice } = kernel.slices.bound.find(({ provider }) => provider.name === "jobs") ?? {};
    const { leases } = (slice as Leased).jobs.get(job) ?? { leases: [] };
    const attempt = leases.find(({ worker }) => worker === this.#id)?.try ?? 0;
    const { commitment: output } = commitTo([{ kind: "stdout", data: Buffer.from(stdout) }]);
    const { publicKey: worker } = this.#signer;
    await this.tell({ op: "commit", job, commitment: promise({ output, salt, worker, job, try: attempt }) });
  }

  async done(job: string, stdout: string, exit = 0): Promise<object> {
    const status = JSON.parse(Buffer.from(await this.#owner.read(`/jobs/${job}/status.json`)).toString());
    const { commitment, chunks } = commitTo(
      stdout === "" ? [] : [{ kind: "stdout", data: Buffer.from(stdout) }],
    );
    const receipt = signReceipt(this.#signer, {
      jobId: status.job_id,
      completedAt: 1_779_883_200_000_000_000n,
      result: {
        job_spec_hash: [...Buffer.from(status.job_id, "hex")],
        output_commitment: [...commitment],
        output_chunk_count: chunks,
        completion: "stop",
        resumption: null,
        metrics: {
          total_duration_ms: 3,
          prompt_tokens: 0,
          completion_tokens: 0,
          extra: printRunFacts({
            module_hash: `sha256:${sha256("module")}`,
            exit_code: String(exit),
            stdin_hash: `sha256:${sha256("")}`,
            limits_hash: `sha256:${sha256("limits")}`,
            sandbox: "none",
            grade: "shared",
            worker: this.#id,
            hive: "hive-golden",
            job,
            journal: job,
          }),
        },
      },
    });
    const inline = Buffer.from(stdout).toString("base64");
    return this.tell({ op: "done", job, exit, stdout: { bytes: stdout.length, inline }, receipt, salt });
  }
}

async function work(scenario: Scenario, owner: Session): Promise<void> {
  const module = sha256("module");
  const handle = await owner.open(await owner.find(`/cas/${module}`), { read: false, write: true });
  await handle.write(0, Buffer.from("module"));
  await handle.close();
  const ann = new GoldenWorker(scenario.kernel, "w-ann", owner);
  const ben = new GoldenWorker(scenario.kernel, "w-ben", owner);
  const submit = async (more: object = {}): Promise<string> => {
    const run = { kind: "wasm", module };
    const { result } = await owner.append("/jobs/ctl", { op: "submit", run, ...more } as never);
    return (result as { job: string }).job;
  };
  await ann.hello("ann-first-life");
  const first = await submit({ stdin: { inline: Buffer.from("input").toString("base64") }, $key: "first" });
  await scenario.pass(10);
  await ann.done(first, "output");
  const returned = await submit();
  await scenario.pass(10);
  await ann.tell({ op: "return", job: returned });
  await ann.tell({ op: "renew" });
  await scenario.pass(10);
  await owner.append("/jobs/ctl", { op: "cancel", job: returned } as never);
  // A worker that says nothing more: its job goes to the other one, and its result comes late.
  const lost = await submit();
  await scenario.pass(10);
  await ann.session.append("/worker/w-ann/ctl", { op: "bye" } as never);
  await ben.hello("ben-first-life");
  await scenario.pass(20 * seconds);
  await ben.done(lost, "from ben", 3);
  await ann.done(lost, "from ann");
  const { manifest } = signManifest(createSigner(Buffer.from(sha256("owner"), "hex")), {
    payload: {
      kind: "wasm",
      module_cid: `sha256:${module}`,
      input: [...Buffer.from('{"deadline_ms":60000}')],
      max_duration_ms: 500,
    },
    createdAt: BigInt(scenario.kernel.time.now()) * 1_000_000n,
    expiresAt: BigInt(scenario.kernel.time.now() + 60 * seconds) * 1_000_000n,
  });
  await ben.session.append("/worker/w-ben/ctl", { op: "bye" } as never);
  await owner.append("/jobs/ctl", { op: "submit", manifest } as never);
  await submit({ run: { kind: "task", name: "by-hand", args: ["a", "b"] } });
  await scenario.pass(90 * seconds);
  await ann.hello("ann-second-life");
  await scenario.pass(10);
  await ann.done(lost, "from ann, at last");
  await queueing(scenario, owner, ann);
}

/** Jobs that need others, that ask for a machine, and an array that is cancelled. */
async function queueing(scenario: Scenario, owner: Session, ann: GoldenWorker): Promise<void> {
  const run = { kind: "wasm", module: sha256("module") };
  const submit = async (more: object): Promise<string> => {
    const { result } = await owner.append("/jobs/ctl", { op: "submit", run, ...more } as never);
    return (result as { job: string }).job;
  };
  const first = await submit({});
  const second = await submit({ needs: [first], stdin: { job: first } });
  await submit({ run: { ...run, where: { labels: ["gpu"], data: "private" }, priority: 3 } });
  await scenario.pass(10);
  await ann.done(first, "output of the first");
  await scenario.pass(10);
  const failed = await submit({});
  await submit({ needs: [failed] });
  await scenario.pass(10);
  await ann.tell({ op: "return", job: second, reason: "owner" });
  const inputs = ["one", "two", "three"];
  const part = { first: 0, total: 4, inputs: sha256(inputs.map((text) => `${sha256(text)}\n`).join("")) };
  const { manifest } = signManifest(createSigner(Buffer.from(sha256("owner"), "hex")), {
    payload: {
      kind: "wasm",
      module_cid: `sha256:${sha256("module")}`,
      input: [...Buffer.from(JSON.stringify({ array: part }))],
    },
    createdAt: BigInt(scenario.kernel.time.now()) * 1_000_000n,
    expiresAt: BigInt(scenario.kernel.time.now() + 60 * seconds) * 1_000_000n,
  });
  const given = inputs.map((text) => ({ inline: Buffer.from(text).toString("base64") }));
  const { result } = await owner.append("/jobs/ctl", { op: "array", manifest, inputs: given } as never);
  await scenario.pass(10);
  await owner.append("/jobs/ctl", { op: "cancel", job: (result as { array: string }).array } as never);
  await scenario.pass(30 * seconds);
}

/** Three machines of three owners answer one job, and one of them lies; work is paid, one is put away and let back. */
async function agreeing(scenario: Scenario, owner: Session): Promise<void> {
  const machines: GoldenWorker[] = [];
  for (const name of ["cat", "dan", "eve"]) {
    const line = { op: "invite", class: "borrowed", owner: name };
    const { result } = await owner.append("/net/ctl", line as never);
    const { invite } = result as { invite: string };
    const key = sha256(name);
    const guest = scenario.kernel.attach(fullAuthority(`invite/${invite}`, "worker"), "golden");
    const redeem = { op: "redeem", node: key, box: sha256(`box of ${name}`), name, proof: "00".repeat(64) };
    await guest.append("/net/join", redeem as never);
    await scenario.pass(10);
    const machine = new GoldenWorker(scenario.kernel, `w-${key.slice(0, 12)}`, owner);
    await machine.hello(`${name}-first-life`, 4);
    machines.push(machine);
  }
  const run = {
    kind: "wasm",
    module: sha256("module"),
    replicas: 3,
    quorum: 2,
    where: { classes: ["borrowed"] },
  };
  const { result } = await owner.append("/jobs/ctl", { op: "submit", run } as never);
  const { job } = result as { job: string };
  await scenario.pass(10);
  for (const machine of machines) await machine.commit(scenario.kernel, job, "answer");
  for (const [at, machine] of machines.entries()) await machine.done(job, at < 2 ? "answer" : "a lie");
  await scenario.pass(2 * seconds);
  const away = `/worker/w-${sha256("cat").slice(0, 12)}/standing`;
  await owner.append(away, { op: "quarantine", reason: "to be looked at" } as never);
  await owner.append(away, { op: "release" } as never);
}

/** A machine with a ticket that ends gets another one in time, and goes; another one is never let in. */
async function renewing(scenario: Scenario, owner: Session): Promise<void> {
  const invite = async (more: object): Promise<string> => {
    const { result } = await owner.append("/net/ctl", { op: "invite", class: "borrowed", ...more } as never);
    return (result as { invite: string }).invite;
  };
  const term = 600 * seconds;
  const invited = await invite({ owner: "fay", term_ms: term });
  const node = sha256("fay");
  const worker = `w-${node.slice(0, 12)}`;
  const guest = scenario.kernel.attach(fullAuthority(`invite/${invited}`, "worker"), "golden");
  const redeem = { op: "redeem", node, box: sha256("box of fay"), name: "fay", proof: "00".repeat(64) };
  await guest.append("/net/join", redeem as never);
  await scenario.pass(term * 0.6);
  const session = scenario.kernel.attach(fullAuthority(worker, "worker"), "golden");
  await session.append(`/worker/${worker}/renew`, { op: "renew", box: sha256("next box of fay") } as never);
  await scenario.pass(10);
  await owner.append("/net/ctl", { op: "label", node: worker, labels: ["attic"] } as never);
  await owner.append("/net/ctl", { op: "remove", node: worker, reason: "sold" } as never);
  await owner.append("/net/ctl", { op: "revoke", invite: await invite({ owner: "gus" }) } as never);
  await scenario.pass(10);
}

async function command(scenario: Scenario, owner: Session): Promise<void> {
  const queen = (line: object) => owner.append("/queen/ctl", line as never);
  await queen({ spawn: "heartbeat", ticks: 5, budget: { ttl_s: 30, ops: 3 } });
  await queen({ spawn: "gpu", lease: { gpu_id: "GPU-0", mem_mb: 1024, streams: 1, ttl_s: 60 }, $key: "gpu" });
  await queen({ spawn: "heartbeat", ticks: 1 });
  await queen({ kill: "worker-3" });
  await queen({ kill: "worker-9" });
  await queen({ revoke: "block-of-nobody" });
  const metered = { ...fullAuthority("cat"), blocks: [{ id: "block-cat", ops: 2 }] };
  const cat = scenario.kernel.attach(metered, "golden");
  for (const name of ["one", "two", "three"]) {
    const run = { kind: "task", name };
    await cat.append("/jobs/ctl", { op: "submit", run, $key: name } as never).catch(() => undefined);
  }
  await scenario.pass(40 * seconds);
  scenario.clock.jump(-2 * hours);
  await scenario.pass(2 * seconds);
  await queen({ spawn: "heartbeat", ticks: 1 });
  await queen({ clock: "confirm" });
  await scenario.pass(2 * seconds);
}

/** Plays the scenario and gives its journal: what each release keeps to be read by all later ones. */
export async function playScenario(): Promise<JournalRecord[]> {
  const scenario = new Scenario();
  const owner = await scenario.open();
  await command(scenario, owner);
  await work(scenario, owner);
  await agreeing(scenario, owner);
  scenario.kernel.drain("the first life ends");
  await scenario.kernel.close();
  const second = await scenario.open();
  await second.append("/queen/ctl", { clock: "confirm" } as never);
  await scenario.pass(seconds);
  await scenario.kernel.close();
  // Nobody is there for more than a day, and what is due then happens at the start.
  scenario.clock.advance(27 * hours);
  const third = await scenario.open();
  await scenario.pass(2 * seconds);
  await renewing(scenario, third);
  const settled = () => scenario.pass(10);
  await modelling({ owner: third, files: scenario.stores.files, settled });
  await scenario.kernel.close();
  return Array.fromAsync(scenario.kernel.journal.records(0));
}
