import { mkdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { type Judgement, type Narrowed, narrow, refusal } from "@skep/owner";
import { createSigner } from "@skep/receipt";
import { createSandboxPool, type SandboxPool } from "@skep/sandbox";
import { openFiles } from "@skep/storage";
import { realClock } from "../clock.ts";
import type { Values } from "../config/mod.ts";
import { homeKey } from "../hive/keys.ts";
import { ownerPlaces } from "../owner/folder.ts";
import { OwnerKeeper } from "../owner/keeper.ts";
import { enforcedBy, idleDisk, owned } from "../owner/limits.ts";
import { loadRules } from "../owner/load.ts";
import { pace, unpaced } from "../owner/pace.ts";
import { realSources, type Sources } from "../owner/watch.ts";
import { version } from "../version.ts";
import { fault } from "./faults.ts";
import type { Lease } from "./lease.ts";
import { Modules } from "./modules.ts";
import { Spool } from "./spool.ts";
import { Telling } from "./telling.ts";
import { readWho } from "./who.ts";
import { type OwnerSays, Worker } from "./worker.ts";

const MiB = 1024 * 1024;
const moduleCacheBytes = 256 * MiB;
const moduleBytes = 64 * MiB;

/** How a worker process is started. */
export interface WorkerSetup {
  /** Connects to the hive with the ticket in the folder. */
  readonly dial: (ticket: string) => Promise<Client>;
  /** Its own folder: `identity`, `ticket`, `secrets/`, `cache/`, `spool/`. */
  readonly workerHome: string;
  readonly values: Values;
  readonly slots: number;
  readonly strangers: readonly string[];
  readonly log: (line: string) => void;
  /** Files that may hold the rules of the machine's owner, beside `owner.toml` in the worker's own folder. */
  readonly ownerFiles?: readonly string[];
  /** Where the machine is looked at; the machine itself where left out. */
  readonly sources?: Sources;
}

/** Bytes of a process beside the memory of its module. */
const overheadBytes = 160 * MiB;

async function poolOf({ values }: WorkerSetup, narrowed: Narrowed, isOwned: boolean): Promise<SandboxPool> {
  const { slots, memoryBytes, outputBytes, cpus } = narrowed;
  const isolation = values["sandbox.isolation"];
  const pool = await createSandboxPool({
    warm: slots,
    concurrency: slots,
    limits: {
      fuel: BigInt(values["sandbox.fuel"]),
      memoryBytes,
      wallMs: values["sandbox.wall_time"],
      stdoutBytes: outputBytes,
      stderrBytes: outputBytes,
    },
    overheadBytes,
    checkpointBytes: values["sandbox.checkpoint"],
    ...(isOwned ? { nice: owned } : {}),
    ...(cpus === null ? {} : { cpus }),
    ...(isolation === "off" ? { layers: { bubblewrap: false } } : {}),
  });
  const lacking = pool.missing.find(({ layer }) => layer === "bubblewrap");
  if (isolation !== "require" || !lacking) return pool;
  await pool[Symbol.asyncDispose]();
  throw fault.isolation(lacking.reason);
}

function readTicket(workerHome: string): string {
  try {
    return readFileSync(join(workerHome, "ticket"), "utf8").trim();
  } catch (cause) {
    throw fault.ticket(workerHome, { cause });
  }
}

/** Rules by their names, each as a text. */
function flat(rules: object, prefix = ""): Record<string, string> {
  const pairs = Object.entries(rules).flatMap(([name, value]): [string, string][] => {
    const key = `${prefix}${name}`;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return [[key, typeof value === "string" ? value : JSON.stringify(value)]];
    return Object.entries(flat(value as object, `${key}.`));
  });
  return Object.fromEntries(pairs.filter(([key]) => key.length <= 64));
}

/** A judgement as the hive is told it. */
function saysOf(judgement: Judgement, rules: Record<string, unknown>): OwnerSays {
  const { state, since, until, reasons, blind, gpus } = judgement;
  const taken = Object.entries(gpus).filter(([, { free }]) => !free);
  return {
    state,
    since,
    ...(until === undefined ? {} : { until }),
    reasons: reasons.slice(0, 16).map(({ rule, text }) => ({ rule, text: text.slice(0, 256) })),
    blind,
    gpus: Object.fromEntries(taken.map(([id, gpu]) => [id, gpu.reasons[0]?.text ?? ""])),
    rules: flat(rules),
  };
}

/** A worker that is ready to run, with its pool of sandboxes. */
export interface OpenWorker extends AsyncDisposable {
  readonly worker: Worker;
  readonly id: string;
}

/** Why a job does not fit in what this machine keeps of jobs. */
function tooLarge({ checkpoint }: Lease, pool: SandboxPool): string | undefined {
  if (!checkpoint || checkpoint.maxBytes <= pool.checkpointBytes) return undefined;
  return `its checkpoint may have ${checkpoint.maxBytes} bytes, here ${pool.checkpointBytes} at most`;
}

/** What the worker tells of itself, where that is wanted. */
function tellingOf(
  { values, workerHome, log }: WorkerSetup,
  worker: Worker,
  device: string,
): Telling | undefined {
  const everyMs = values["telemetry.worker_every"];
  if (everyMs === 0) return undefined;
  return new Telling({
    folder: join(workerHome, "telemetry"),
    files: openFiles,
    device,
    everyMs,
    figures: () => worker.figures,
    use: (act, signal) => worker.use(act, signal),
    clock: realClock,
    log,
  });
}

/** Makes a worker from its folder. Throws `worker.ticket`, `worker.isolation`, and what its ticket or key is refused with. */
export async function openWorker(setup: WorkerSetup): Promise<OpenWorker> {
  const { dial, workerHome, values, strangers, log } = setup;
  mkdirSync(workerHome, { recursive: true, mode: 0o700 });
  const token = readTicket(workerHome);
  const { subject, hive } = readWho(token);
  const signer = createSigner(homeKey(join(workerHome, "identity")).seed);
  const files = [ownerPlaces.rules(workerHome), ...(setup.ownerFiles ?? [])];
  const loaded = loadRules(files);
  const { rules } = loaded;
  const narrowed = narrow(
    {
      slots: setup.slots,
      memoryBytes: values["sandbox.memory"],
      overheadBytes,
      cacheBytes: moduleCacheBytes,
      outputBytes: values["sandbox.output"],
    },
    rules.caps,
    availableParallelism(),
  );
  const kinds = ["wasm"].filter((kind) => !rules.refuse.kinds.includes(kind));
  if (kinds.length === 0) throw fault.refused(loaded.file);
  const spool = new Spool(join(workerHome, "spool"));
  const paced = narrowed.networkBytes === null ? unpaced : pace(narrowed.networkBytes, realClock);
  const modules = await Modules.open(join(workerHome, "cache"), narrowed.cacheBytes, moduleBytes, paced);
  const isOwned = loaded.file !== undefined;
  const pool = await poolOf(setup, narrowed, isOwned);
  const worker = new Worker({
    means: {
      pool,
      modules,
      issuer: { signer, worker: subject, hive },
      clock: realClock,
      secrets: join(workerHome, "secrets"),
      strangers: new Set(values["sandbox.grade"] === "fresh" ? ["*"] : strangers),
      mostStdin: values["sandbox.stdin"],
      pace: paced,
      outputPath: (lease) => spool.outputPath(lease.job, lease.try),
    },
    spool,
    dial: () => dial(token),
    slots: narrowed.slots,
    kinds,
    refuses: (lease) =>
      tooLarge(lease, pool) ??
      refusal(rules.refuse, { kind: lease.kind, class: lease.class, subject: lease.owner }),
    version,
    clock: realClock,
    log,
  });
  const noIdleDisk = isOwned ? await idleDisk(process.pid) : undefined;
  const keeper = new OwnerKeeper({
    folder: workerHome,
    files,
    loaded,
    worker: subject,
    sources: setup.sources ?? realSources(() => (process.connected ? [process.ppid] : [process.pid])),
    clock: realClock,
    pool,
    tenant: {
      changed: (judgement) => worker.obey(saysOf(judgement, keeper.rules)),
      giveBack: () => worker.giveBack(),
      ended: () => worker.ended(),
    },
    limits: isOwned ? enforcedBy(pool, rules.caps, narrowed, noIdleDisk) : [],
    log,
  });
  await keeper.start();
  worker.obey(saysOf(keeper.judgement, keeper.rules));
  const telling = tellingOf(setup, worker, subject);
  telling?.start();
  return {
    worker,
    id: subject,
    [Symbol.asyncDispose]: async () => {
      await telling?.stop();
      await keeper[Symbol.asyncDispose]();
      await worker.stop();
      await modules.touch(realClock.now());
      await pool[Symbol.asyncDispose]();
    },
  };
}
