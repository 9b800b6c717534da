// npm run bench -- [--json FILE] [--only NAME] [--seconds N]
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { benches } from "./benches.ts";
import { machineName } from "./machine.ts";
import { type Row, rowOf } from "./row.ts";
import { tableOf } from "./table.ts";

const usage = `npm run bench -- [--json FILE] [--only NAME[,NAME]] [--seconds N]\nNames: ${benches.map(({ name }) => name).join(", ")}`;

function refuse(why: string): never {
  process.stderr.write(`${why}\n${usage}\n`);
  process.exit(2);
}

interface Args {
  readonly json?: string | undefined;
  readonly only?: string | undefined;
  /** How long what is busy for a time is busy. */
  readonly seconds?: string | undefined;
}

function readArgs(): Args {
  const text = { type: "string" } as const;
  try {
    return parseArgs({ options: { json: text, only: text, seconds: text } }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { json, only, seconds } = readArgs();
if (seconds !== undefined && !/^[1-9]\d{0,5}$/.test(seconds)) refuse("Cannot read --seconds: whole seconds");
if (seconds !== undefined) process.env.SKEP_BENCH_SECONDS = seconds;
const named = only?.split(",");
for (const name of named ?? [])
  if (!benches.some((bench) => bench.name === name))
    refuse(`Cannot run ${JSON.stringify(name)}: no such bench`);

const machine = machineName();
const rows: Row[] = [];
let failed = false;
for (const bench of benches) {
  if (named ? !named.includes(bench.name) : bench.extra) continue;
  const tell = (text: string) => void process.stderr.write(`bench ${bench.name}: ${text}\n`);
  try {
    for (const measured of await bench.run(tell)) rows.push(rowOf(measured, machine));
  } catch (error) {
    failed = true;
    tell(`failed: ${(error as Error).stack}`);
  }
}
if (json !== undefined) await writeFile(json, `${JSON.stringify(rows, null, 2)}\n`);
process.stdout.write(tableOf(rows));
process.exit(failed ? 1 : 0);
