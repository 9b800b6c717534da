// npm run bench -- [--json FILE] [--only NAME]
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { benches } from "./benches.ts";
import { machineName } from "./machine.ts";
import { type Row, rowOf } from "./row.ts";
import { tableOf } from "./table.ts";

const usage = `npm run bench -- [--json FILE] [--only NAME[,NAME]]\nNames: ${benches.map(({ name }) => name).join(", ")}`;

function refuse(why: string): never {
  process.stderr.write(`${why}\n${usage}\n`);
  process.exit(2);
}

function readArgs(): { json?: string | undefined; only?: string | undefined } {
  try {
    return parseArgs({ options: { json: { type: "string" }, only: { type: "string" } } }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { json, only } = readArgs();
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
