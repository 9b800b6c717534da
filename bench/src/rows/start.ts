import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type HiveProcess, startOver } from "../hive.ts";
import { temporaryPlace } from "../place.ts";
import { childrenOf, residentOf, wordsOf } from "../process.ts";
import type { Bench, Measured } from "../row.ts";

/** From the start of the process to the line that says that it is ready. */
export const start: Bench = {
  name: "start",
  async run(tell) {
    const first: number[] = [];
    const again: number[] = [];
    for (let at = 0; at < 5; at += 1) {
      tell(`start ${at + 1} of 5`);
      await using place = await temporaryPlace();
      const home = join(place.path, "home");
      for (const runs of [first, again]) {
        await using hive = await startOver(home);
        runs.push(hive.startedIn);
      }
    }
    return [
      { name: "start to ready, new home", unit: "ms", runs: first },
      { name: "start to ready", unit: "ms", runs: again, goal: { most: 1000 } },
    ];
  },
};

const settle = 3000;

function isWorker(pid: number): boolean {
  return wordsOf(pid).includes("worker");
}

/** Resident memory of the workers of a hive, and of everything below them. */
function workersOf({ pid }: HiveProcess): { workers: number[]; below: number[] } {
  const workers = childrenOf(pid).filter(isWorker);
  const below = workers.flatMap(childrenOf);
  for (const one of below) below.push(...childrenOf(one));
  return { workers: workers.map(residentOf), below: below.map(residentOf) };
}

/** Memory of a hive and of workers that nobody asks for anything. */
export const memory: Bench = {
  name: "memory",
  async run(tell) {
    const rows: Measured[] = [];
    tell("warm-up, so that what Node compiles is kept");
    {
      await using place = await temporaryPlace();
      await using _ = await startOver(join(place.path, "home"), ["--workers", "2"]);
      await sleep(settle);
    }
    tell("hive");
    {
      await using place = await temporaryPlace();
      await using hive = await startOver(join(place.path, "home"));
      await sleep(settle);
      rows.push({ name: "memory, idle hive", unit: "MB", runs: [residentOf(hive.pid)], goal: { most: 120 } });
    }
    tell("workers");
    await using place = await temporaryPlace();
    await using hive = await startOver(join(place.path, "home"), ["--workers", "2"]);
    await sleep(settle);
    const { workers, below } = workersOf(hive);
    if (workers.length === 0) tell("no worker is running");
    else rows.push({ name: "memory, idle worker", unit: "MB", runs: workers, goal: { most: 80 } });
    if (below.length > 0) rows.push({ name: "memory, each process below a worker", unit: "MB", runs: below });
    return rows;
  },
};
