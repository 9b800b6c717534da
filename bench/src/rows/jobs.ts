import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Fleet, fleetOf, inFlight, many, oneByOne, warm, workers } from "../fleet.ts";
import { startHive } from "../hive.ts";
import { percentile } from "../load.ts";
import type { Bench, Measured } from "../row.ts";

/** Fresh jobs at a pace at which there is always a process that waits: what one job takes, not how many there can be. */
async function pacedRow(fleet: Fleet, tell: (text: string) => void): Promise<Measured> {
  tell("fresh: five a second");
  const waits: number[][] = [];
  for (let at = 0; at < 3; at += 1) waits.push(await oneByOne(fleet, true, 10, 200));
  const runs = waits.map((times) => percentile(times, 50));
  return { name: "job, fresh, with 200 ms between two: p50", unit: "ms", runs, goal: { most: 15 } };
}

/** How many processes of Node, with nothing to do, this machine starts in a second: the bound of fresh jobs. */
async function bareStarts(lasts: number): Promise<number> {
  const began = performance.now();
  let count = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - began < lasts) {
      const child = spawn(process.execPath, ["-e", "0"], { stdio: "ignore" });
      await once(child, "exit");
      count += 1;
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  return (count / (performance.now() - began)) * 1000;
}

async function rowsOf(fleet: Fleet, fresh: boolean, tell: (text: string) => void): Promise<Measured[]> {
  const grade = fresh ? "fresh" : "shared";
  await warm(fleet, fresh, tell);
  tell(`${grade}: one by one`);
  await oneByOne(fleet, fresh, fresh ? 4 : 30);
  const waits: number[][] = [];
  for (let at = 0; at < 3; at += 1) waits.push(await oneByOne(fleet, fresh, fresh ? 12 : 80));
  tell(`${grade}: ${inFlight} in flight`);
  const bare = fresh ? await bareStarts(2500) : undefined;
  const rates: { rate: number; daemon: number }[] = [];
  for (let at = 0; at < 3; at += 1) rates.push(await many(fleet, fresh, 2500));
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
      runs: rates.map(({ rate }) => rate),
      goal: { least: fresh ? 50 : 500 },
      ...(bare === undefined ? {} : { peer: "starts of bare Node", peerRuns: [bare] }),
    },
    {
      name: `jobs, ${grade}: processor time of the daemon`,
      unit: "ms",
      runs: rates.map(({ daemon }) => daemon),
    },
  ];
}

/** Real modules in the sandbox of real workers, each with a receipt that was verified. */
export const jobs: Bench = {
  name: "jobs",
  async run(tell) {
    await using hive = await startHive(["--workers", String(workers)]);
    await using fleet = await fleetOf(hive);
    const rows = [
      ...(await rowsOf(fleet, false, tell)),
      ...(await rowsOf(fleet, true, tell)),
      await pacedRow(fleet, tell),
    ];
    return rows;
  },
};
