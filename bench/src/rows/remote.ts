import { fleetOf, many, oneByOne, warm, workers } from "../fleet.ts";
import { joinMachines, startMeshHive } from "../joined.ts";
import { percentile } from "../load.ts";
import type { Bench } from "../row.ts";

/** The same jobs as those of `jobs`, on machines that joined: every lease, input and result goes over the mesh. */
export const remote: Bench = {
  name: "remote",
  async run(tell) {
    await using hive = await startMeshHive();
    await using _machines = await joinMachines(hive, workers);
    await using fleet = await fleetOf(hive);
    await warm(fleet, false, tell);
    tell("one by one");
    await oneByOne(fleet, false, 30);
    const waits: number[][] = [];
    for (let at = 0; at < 3; at += 1) waits.push(await oneByOne(fleet, false, 80));
    tell("16 in flight");
    const rates: { rate: number; daemon: number }[] = [];
    for (let at = 0; at < 3; at += 1) rates.push(await many(fleet, false, 2500));
    return [
      {
        name: "remote job over the mesh on loopback, shared, submit to verified receipt: p50",
        unit: "ms",
        runs: waits.map((times) => percentile(times, 50)),
        goal: { most: 10 },
        peer: "the originals claim 300–533 ms on a LAN",
      },
      { name: "remote job: p99", unit: "ms", runs: waits.map((times) => percentile(times, 99)) },
      {
        name: `remote jobs, ${workers} machines that joined`,
        unit: "/s",
        runs: rates.map(({ rate }) => rate),
        goal: { least: 300 },
      },
      {
        name: "remote jobs: processor time of the daemon",
        unit: "ms",
        runs: rates.map(({ daemon }) => daemon),
      },
    ];
  },
};
