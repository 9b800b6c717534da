import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { createSigner } from "@skep/receipt";
import { createSandboxPool, type SandboxPool } from "@skep/sandbox";
import { realClock } from "../clock.ts";
import type { Values } from "../config/mod.ts";
import { homeKey } from "../hive/keys.ts";
import { version } from "../version.ts";
import { fault } from "./faults.ts";
import { Modules } from "./modules.ts";
import { Spool } from "./spool.ts";
import { readWho } from "./who.ts";
import { Worker } from "./worker.ts";

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
}

async function poolOf({ values, slots }: WorkerSetup): Promise<SandboxPool> {
  const isolation = values["sandbox.isolation"];
  const pool = await createSandboxPool({
    warm: slots,
    concurrency: slots,
    limits: {
      fuel: BigInt(values["sandbox.fuel"]),
      memoryBytes: values["sandbox.memory"],
      wallMs: values["sandbox.wall_time"],
      stdoutBytes: values["sandbox.output"],
      stderrBytes: values["sandbox.output"],
    },
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

/** A worker that is ready to run, with its pool of sandboxes. */
export interface OpenWorker extends AsyncDisposable {
  readonly worker: Worker;
  readonly id: string;
}

/** Makes a worker from its folder. Throws `worker.ticket`, `worker.isolation`, and what its ticket or key is refused with. */
export async function openWorker(setup: WorkerSetup): Promise<OpenWorker> {
  const { dial, workerHome, values, slots, strangers, log } = setup;
  mkdirSync(workerHome, { recursive: true, mode: 0o700 });
  const token = readTicket(workerHome);
  const { subject, hive } = readWho(token);
  const signer = createSigner(homeKey(join(workerHome, "identity")).seed);
  const spool = new Spool(join(workerHome, "spool"));
  const modules = await Modules.open(join(workerHome, "cache"), moduleCacheBytes, moduleBytes);
  const pool = await poolOf(setup);
  const worker = new Worker({
    means: {
      pool,
      modules,
      issuer: { signer, worker: subject, hive },
      clock: realClock,
      secrets: join(workerHome, "secrets"),
      strangers: new Set(values["sandbox.grade"] === "fresh" ? ["*"] : strangers),
      mostStdin: values["sandbox.stdin"],
      outputPath: (lease) => spool.outputPath(lease.job, lease.try),
    },
    spool,
    dial: () => dial(token),
    slots,
    version,
    clock: realClock,
    log,
  });
  return {
    worker,
    id: subject,
    [Symbol.asyncDispose]: async () => {
      await worker.stop();
      await modules.touch(realClock.now());
      await pool[Symbol.asyncDispose]();
    },
  };
}
