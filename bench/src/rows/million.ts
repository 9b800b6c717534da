import { access } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addEndedJobs } from "../generate.ts";
import { startOver } from "../hive.ts";
import { temporaryPlace } from "../place.ts";
import { residentOf } from "../process.ts";
import type { Bench, Measured } from "../row.ts";

const jobs = 1_000_000;

async function until(path: string, seconds: number): Promise<void> {
  for (let left = seconds * 4; left > 0; left -= 1) {
    try {
      await access(path);
      return;
    } catch {
      await sleep(250);
    }
  }
  throw new Error(`no snapshot was made within ${seconds} s`);
}

/** A hive after a million ended jobs. Takes minutes and some gigabytes of disk, so it runs only when it is named. */
export const million: Bench = {
  name: "million",
  extra: true,
  async run(tell) {
    await using place = await temporaryPlace();
    const home = join(place.path, "home");
    await (await startOver(home))[Symbol.asyncDispose]();
    const began = performance.now();
    const { records } = await addEndedJobs(home, jobs, tell);
    tell(`${records} records in ${Math.round((performance.now() - began) / 1000)} s`);
    const rows: Measured[] = [];
    {
      tell("first start, without a snapshot");
      await using hive = await startOver(home);
      rows.push({
        name: "start after 1,000,000 ended jobs, no snapshot",
        unit: "ms",
        runs: [hive.startedIn],
      });
      await until(join(home, "hive", "snapshot", "current"), 300);
    }
    const starts: number[] = [];
    const sizes: number[] = [];
    for (let at = 0; at < 3; at += 1) {
      tell(`start ${at + 1} of 3`);
      await using hive = await startOver(home);
      starts.push(hive.startedIn);
      await sleep(3000);
      sizes.push(residentOf(hive.pid));
    }
    return [
      ...rows,
      { name: "start after 1,000,000 ended jobs", unit: "ms", runs: starts },
      { name: "memory after 1,000,000 ended jobs", unit: "MB", runs: sizes },
    ];
  },
};
