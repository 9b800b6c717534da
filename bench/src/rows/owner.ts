import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { fileMachine, ownerWatch, startHog } from "@skep/app-skep";
import { createSandboxPool, type SandboxPool } from "@skep/sandbox";
import { percentile } from "../load.ts";
import type { Bench, Measured } from "../row.ts";

const moduleFile = fileURLToPath(new URL("../../../examples/modules/misbehaving/loop.wasm", import.meta.url));
const rounds = 30;
const runs = 3;

interface Busy extends AsyncDisposable {
  readonly pool: SandboxPool;
}

/** Two endless modules, each in a process of its own. */
async function busyPool(cgroup: boolean): Promise<Busy> {
  const pool = await createSandboxPool({ warm: 2, concurrency: 2, nice: 19, layers: { cgroup } });
  await pool.ready();
  const bytes = await readFile(moduleFile);
  const digest = (await import("node:crypto")).createHash("sha256").update(bytes).digest("hex");
  const limits = {
    fuel: 1n << 60n,
    memoryBytes: 1 << 24,
    wallMs: 600_000,
    stdoutBytes: 1000,
    stderrBytes: 1000,
  };
  const job = {
    module: { bytes },
    digest,
    subject: "bench",
    args: ["loop"],
    env: {},
    limits,
    startTimeMs: 0,
  };
  const stop = new AbortController();
  const running = [1, 2].map(() =>
    pool.run(
      { ...job, grade: "fresh", stdin: new Uint8Array(0), seed: Buffer.from(randomUUID()) },
      stop.signal,
    ),
  );
  await sleep(500);
  return {
    pool,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(running);
      await pool[Symbol.asyncDispose]();
    },
  };
}

interface Times {
  /** From the moment at which the key was seen. */
  readonly seen: number[];
  /** From the time that the event itself tells. */
  readonly event: number[];
}

/** Keys pressed on a device while two modules run and another program wants the processor. */
async function press({ pool }: Busy): Promise<Times> {
  const times: Times = { seen: [], event: [] };
  using machine = fileMachine();
  let stopped = Promise.withResolvers<void>();
  using watch = await ownerWatch(
    '[when]\nidle = "40ms"\n[react]\nquiet = "40ms"',
    machine.sources,
    (cause) => {
      const asked = performance.now();
      void pool.freeze().then(({ ms, seen }) => {
        const latency = asked - cause.detected + ms;
        times.seen.push(seen ? latency : 2000);
        times.event.push(performance.timeOrigin + cause.detected + latency - (cause.event ?? Number.NaN));
        pool.thaw();
        stopped.resolve();
      });
    },
  );
  for (let round = 0; round < rounds; round += 1) {
    while (watch.state !== "run") await sleep(20);
    await sleep(30);
    stopped = Promise.withResolvers();
    machine.touch();
    await stopped.promise;
  }
  return times;
}

async function rowsOf(cgroup: boolean, how: string): Promise<Measured[]> {
  await using busy = await busyPool(cgroup);
  using _hog = startHog();
  const times: Times[] = [];
  for (let run = 0; run < runs; run += 1) times.push(await press(busy));
  const row = (what: string, of: (one: Times) => number[], percent: number): Measured => ({
    name: `owner, ${how}: ${what}, p${percent}`,
    unit: "ms",
    runs: times.map((one) => percentile(of(one), percent)),
    ...(percent === 99 ? { goal: { most: 20 } } : {}),
  });
  return [50, 99].flatMap((percent) => [
    row("key seen to stopped", ({ seen }) => seen, percent),
    row("key pressed to stopped", ({ event }) => event, percent),
  ]);
}

/** How soon nothing runs any more when somebody sits down: two endless modules, one other program at full speed. */
export const owner: Bench = {
  name: "owner",
  async run(tell) {
    tell("with the freezer of a control group, where there is one");
    const grouped = await rowsOf(true, "freezer");
    tell("with SIGSTOP");
    return [...grouped, ...(await rowsOf(false, "SIGSTOP"))];
  },
};
