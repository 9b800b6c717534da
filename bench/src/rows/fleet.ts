import { fileURLToPath } from "node:url";
import { Child } from "../process.ts";
import type { Bench } from "../row.ts";

const run = fileURLToPath(new URL("../../../testing/fleet/run.ts", import.meta.url));
const workers = 10_000;
const jobs = 20_000;

interface Report {
  readonly attached: number;
  readonly attachMs: number;
  readonly beats: number;
  readonly beatMs: number;
  readonly done: number;
  readonly placed: number;
  readonly workMs: number;
  readonly vanished: number;
  readonly digest: string;
}

/** Kernel, sessions and providers as shipped, with machines and a network that exist only in time; per second of processor. */
export const fleet: Bench = {
  name: "fleet",
  extra: true,
  async run(tell) {
    const options = JSON.stringify({ seed: 1, workers, jobs, vanish: 0.1 });
    const reports: Report[] = [];
    for (let at = 0; at < 2; at += 1) {
      await using child = new Child(process.execPath, [run, options]);
      const report = JSON.parse(await child.firstLine()) as Report;
      tell(JSON.stringify(report));
      if (report.done < jobs) throw new Error(`${report.done} of ${jobs} jobs were done`);
      reports.push(report);
    }
    const of = `${workers} simulated machines`;
    const rates = (count: (one: Report) => number, ms: (one: Report) => number) =>
      reports.map((one) => (1000 * count(one)) / ms(one));
    const [first, second] = reports;
    return [
      {
        name: `${of}: attaches`,
        unit: "/s",
        runs: rates(
          ({ attached }) => attached,
          ({ attachMs }) => attachMs,
        ),
      },
      {
        name: `${of}: signs of life`,
        unit: "/s",
        runs: rates(
          ({ beats }) => beats,
          ({ beatMs }) => beatMs,
        ),
      },
      {
        name: `${of}: placements with their verified results`,
        unit: "/s",
        runs: rates(
          ({ placed }) => placed,
          ({ workMs }) => workMs,
        ),
      },
      { name: `${of}: vanished in the midst of it`, unit: "", runs: reports.map(({ vanished }) => vanished) },
      {
        name: `${of}: journals of one seed that differ`,
        unit: "",
        runs: [first?.digest === second?.digest ? 0 : 1],
        goal: { most: 0 },
      },
    ];
  },
};
