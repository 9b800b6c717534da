import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type HiveProcess, startOver } from "../hive.ts";
import { temporaryPlace } from "../place.ts";
import { residentOf, spentBy } from "../process.ts";
import type { Bench } from "../row.ts";

const program = fileURLToPath(new URL("../idle/clients.ts", import.meta.url));
/** SKEP_BENCH_IDLE: how many machines wait. */
const count = Number(process.env.SKEP_BENCH_IDLE ?? 100);
const perProcess = 100;
const rest = 20_000;
/** Milliseconds after which connections that nobody uses are at rest, and what their beginning left is collected. */
const calm = 60_000;

/** A process full of machines. */
class Crowd implements AsyncDisposable {
  readonly #child = spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  #there = Promise.withResolvers<void>();

  constructor(given: object) {
    createInterface({ input: this.#child.stdout }).on("line", () => this.#there.resolve());
    this.#child.stdin.write(`${JSON.stringify(given)}\n`);
  }

  /** Resolves when all of them are attached, again after `scattered`. */
  get there(): Promise<void> {
    return this.#there.promise;
  }

  scattered(): void {
    this.#there = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await new Promise((resolve) => this.#child.once("exit", resolve));
  }
}

async function machinesOf(hive: HiveProcess, from: number, to: number): Promise<object[]> {
  const machines: object[] = [];
  for (let at = from; at < to; at += 1) {
    const id = `w-idle${at}`;
    const rights = [{ path: `/worker/${id}`, verb: "rw" as const }];
    const seed = createHash("sha256").update(id).digest("hex");
    machines.push({ id, seed, ticket: await hive.ticket(id, "worker", rights) });
  }
  return machines;
}

/** What a hive takes at rest: megabytes, and milliseconds of processor within `rest`. */
async function atRest({ pid }: HiveProcess): Promise<{ resident: number; spent: number }> {
  await sleep(calm);
  const before = spentBy(pid).all;
  await sleep(rest);
  return { resident: residentOf(pid), spent: spentBy(pid).all - before };
}

/** Machines that are attached over the mesh, each by a connection of its own, and have nothing to do. */
export const idle: Bench = {
  name: "idle",
  extra: true,
  async run(tell) {
    await using place = await temporaryPlace();
    const home = join(place.path, "home");
    const first = await startOver(home, ["--mesh", "127.0.0.1:0"]);
    const { port, peer } = (first.ready as unknown as { mesh: { port: number; peer: string } }).mesh;
    const addresses = [`/ip4/127.0.0.1/tcp/${port}/p2p/${peer}`];
    const empty = await atRest(first);
    const crowds: Crowd[] = [];
    const began = performance.now();
    const attaching = spentBy(first.pid).all;
    for (let at = 0; at < count; at += perProcess)
      crowds.push(
        new Crowd({ addresses, machines: await machinesOf(first, at, Math.min(count, at + perProcess)) }),
      );
    try {
      await Promise.all(crowds.map(({ there }) => there));
      tell(`${count} machines attached in ${(performance.now() - began).toFixed(0)} ms`);
      const attachment = spentBy(first.pid).all - attaching;
      const full = await atRest(first);
      for (const crowd of crowds) crowd.scattered();
      process.kill(first.pid, "SIGKILL");
      await first[Symbol.asyncDispose]();
      await using again = await startOver(home, ["--mesh", `127.0.0.1:${port}`]);
      const ready = performance.now();
      const start = spentBy(again.pid).all;
      await Promise.all(crowds.map(({ there }) => there));
      const back = performance.now() - ready;
      tell(`all back after ${back.toFixed(0)} ms`);
      const settled = residentOf(again.pid);
      const reattachment = spentBy(again.pid).all - start;
      const of = `${count} idle machines`;
      const each = [((full.resident - empty.resident) * 1000) / count];
      const both = (one: number, all: number) => [one / count, all / count];
      const share = [(100 * full.spent) / rest];
      const alone = [(100 * empty.spent) / rest];
      return [
        { name: `${of}: memory of the hive for each, at rest`, unit: "kB", runs: each },
        { name: `${of}: memory of the hive`, unit: "MB", runs: [full.resident, settled] },
        { name: `${of}: processor at rest`, unit: "% of one", runs: share },
        { name: "no machine: processor at rest", unit: "% of one", runs: alone },
        {
          name: `${of}: processor of the hive for each that attaches`,
          unit: "ms",
          runs: both(attachment, reattachment),
        },
        { name: `${of}: all attached again after a kill and a start`, unit: "ms", runs: [back] },
      ];
    } finally {
      for (const crowd of crowds) await crowd[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
    }
  },
};
