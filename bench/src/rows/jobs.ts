import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { heldContent, outcomeOf, submit } from "@skep/app-skep";
import type { Client } from "@skep/ninep";
import { createSigner, type Signer } from "@skep/receipt";
import { type HiveProcess, startHive } from "../hive.ts";
import { percentile } from "../load.ts";
import { spentBy } from "../process.ts";
import type { Bench, Measured } from "../row.ts";

const moduleFile = fileURLToPath(new URL("../../../examples/modules/reverse.wasm", import.meta.url));
const input = heldContent(Buffer.from("Hello, World"));
const workers = 2;
const inFlight = 16;

type Module = ReturnType<typeof heldContent>;

/** What one job takes: from its signed manifest to its receipt, verified against the worker's key and the output. */
async function perform(client: Client, signer: Signer, module: Module, fresh: boolean): Promise<void> {
  const wish = { args: [], env: {}, fresh };
  const taken = await submit({ client, signer, module, stdin: input, wish, now: Date.now() });
  const outcome = await outcomeOf(client, taken, { module: module.digest });
  if (!outcome.verified || String(outcome.stdout) !== "dlroW ,olleH")
    throw new Error(`job ${taken.job} ${outcome.status.state}: ${outcome.why || String(outcome.stdout)}`);
}

async function attached(client: Client, expected: number): Promise<void> {
  for (let left = 400; ; left -= 1) {
    const present = await Promise.all(
      (await client.readdir("/worker")).map(async ({ name }) =>
        JSON.parse(String(await client.readAll(`/worker/${name}/info.json`))),
      ),
    );
    if (present.filter((worker) => worker.present === true).length >= expected) return;
    if (left === 0) throw new Error("the workers did not attach");
    await sleep(25);
  }
}

interface Fleet {
  readonly hive: HiveProcess;
  readonly clients: readonly Client[];
  readonly signer: Signer;
  readonly module: Module;
}

/** Times of jobs that are handed in one after the other, milliseconds; with a pause, their processes can be replaced. */
async function oneByOne(
  { clients, signer, module }: Fleet,
  fresh: boolean,
  count: number,
  pauseMs = 0,
): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    if (pauseMs > 0) await sleep(pauseMs);
    const began = performance.now();
    await perform(clients[0] as Client, signer, module, fresh);
    times.push(performance.now() - began);
  }
  return times;
}

/** Jobs per second with some in flight, and what the daemon spends on each, milliseconds. */
async function many(fleet: Fleet, fresh: boolean, lasts: number): Promise<{ rate: number; daemon: number }> {
  const { hive, clients, signer, module } = fleet;
  const began = performance.now();
  const before = spentBy(hive.pid).all;
  let count = 0;
  const lane = async (at: number): Promise<void> => {
    while (performance.now() - began < lasts) {
      await perform(clients[at % clients.length] as Client, signer, module, fresh);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, at) => lane(at)));
  const wall = performance.now() - began;
  return { rate: (count / wall) * 1000, daemon: (spentBy(hive.pid).all - before) / count };
}

/** Fresh jobs at a pace at which there is always a process that waits: what one job takes, not how many there can be. */
async function pacedRow(fleet: Fleet, tell: (text: string) => void): Promise<Measured> {
  tell("fresh: five a second");
  const waits: number[][] = [];
  for (let at = 0; at < 3; at += 1) waits.push(await oneByOne(fleet, true, 10, 200));
  const runs = waits.map((times) => percentile(times, 50));
  return { name: "job, fresh, with 200 ms between two: p50", unit: "ms", runs };
}

async function rowsOf(fleet: Fleet, fresh: boolean, tell: (text: string) => void): Promise<Measured[]> {
  const grade = fresh ? "fresh" : "shared";
  tell(`${grade}: one by one`);
  await oneByOne(fleet, fresh, fresh ? 4 : 30);
  const waits: number[][] = [];
  for (let at = 0; at < 3; at += 1) waits.push(await oneByOne(fleet, fresh, fresh ? 12 : 80));
  tell(`${grade}: ${inFlight} in flight`);
  const rates: { rate: number; daemon: number }[] = [];
  for (let at = 0; at < 4; at += 1) rates.push(await many(fleet, fresh, 2500));
  const counted = rates.slice(1);
  return [
    {
      name: `job, ${grade}, submit to verified receipt: p50`,
      unit: "ms",
      runs: waits.map((times) => percentile(times, 50)),
      goal: { most: fresh ? 15 : 5 },
      peer: "the original claims 233 ms",
    },
    { name: `job, ${grade}: p99`, unit: "ms", runs: waits.map((times) => percentile(times, 99)) },
    {
      name: `jobs, ${grade}, ${workers} workers`,
      unit: "/s",
      runs: counted.map(({ rate }) => rate),
      goal: { least: fresh ? 50 : 500 },
    },
    {
      name: `jobs, ${grade}: processor time of the daemon`,
      unit: "ms",
      runs: counted.map(({ daemon }) => daemon),
    },
  ];
}

/** Real modules in the sandbox of real workers, each with a receipt that was verified. */
export const jobs: Bench = {
  name: "jobs",
  async run(tell) {
    await using hive = await startHive(["--workers", String(workers)]);
    const clients = await Promise.all(Array.from({ length: 4 }, () => hive.owner()));
    await attached(clients[0] as Client, workers);
    const signer = createSigner(await readFile(join(hive.ready.home, "keys", "identity")));
    const module = heldContent(await readFile(moduleFile));
    const fleet = { hive, clients, signer, module };
    const rows = [
      ...(await rowsOf(fleet, false, tell)),
      ...(await rowsOf(fleet, true, tell)),
      await pacedRow(fleet, tell),
    ];
    await Promise.all(clients.map((client) => client.close()));
    return rows;
  },
};
