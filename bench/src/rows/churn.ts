import { fileURLToPath } from "node:url";
import { Child } from "../process.ts";
import type { Bench } from "../row.ts";

const run = fileURLToPath(new URL("../../../testing/churn/run.ts", import.meta.url));

interface Report {
  readonly kills: number;
  readonly cuts: number;
  readonly jobs: number;
  readonly done: number;
  readonly twice: readonly string[];
  readonly ledger: string;
  readonly p50: number;
  readonly processes: number;
  readonly leftovers: readonly string[];
  readonly hive: Readonly<Record<"before" | "after", { readonly memory: number }>>;
}

const minutes = Number(process.env.SKEP_BENCH_CHURN_MINUTES ?? 30);

/** Ten machines, of which 30 % are killed in each simulated hour of ten seconds; half an hour. */
export const churn: Bench = {
  name: "churn",
  extra: true,
  async run(tell) {
    tell(`${minutes} minutes of killed and cut machines`);
    await using child = new Child(process.execPath, [run, JSON.stringify({ lasts: minutes * 60_000 })]);
    const report = JSON.parse(await child.firstLine()) as Report;
    tell(JSON.stringify(report));
    if (report.kills === 0 || report.jobs === 0) throw new Error("nothing happened");
    const leaks = report.processes + report.leftovers.length;
    const grown = report.hive.after.memory - report.hive.before.memory;
    return [
      {
        name: "churn: jobs that complete",
        unit: "%",
        runs: [(100 * report.done) / report.jobs],
        goal: { least: 99 },
        peer: "the original asks for 80 %",
      },
      { name: "churn: jobs accepted twice", unit: "", runs: [report.twice.length], goal: { most: 0 } },
      { name: "churn: processes and files that leak", unit: "", runs: [leaks], goal: { most: 0 } },
      { name: "churn: memory that the hive gained", unit: "MB", runs: [grown] },
      { name: "churn: submit to verified receipt, p50", unit: "ms", runs: [report.p50] },
      { name: "churn: kills and cuts", unit: "", runs: [report.kills + report.cuts] },
    ];
  },
};
