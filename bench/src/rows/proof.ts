import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Client } from "@skep/ninep";
import { addEndedJobs } from "../generate.ts";
import { type HiveProcess, startOver } from "../hive.ts";
import { load, several } from "../load.ts";
import { temporaryPlace } from "../place.ts";
import type { Bench, Measured } from "../row.ts";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../../apps/skep/src/main.mjs", import.meta.url));
/** Three records for each job. */
const jobs = Math.ceil(Number(process.env.SKEP_BENCH_RECORDS ?? 1_000_000) / 3);

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}

/** Sequences spread over the journal, the same in every run. */
function spread(records: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => Math.floor((records * (at * 0.618_034 + 0.1)) % records));
}

async function whys(client: Client, seqs: readonly number[]): Promise<number[]> {
  const times: number[] = [];
  for (const seq of seqs) times.push(await timed(() => client.readAll(`/audit/why/${seq}/chain.json`, {})));
  return times;
}

/** Inclusion proofs, asked for eight at a time, of records spread over the journal. */
async function proofRows(
  hive: HiveProcess,
  client: Client,
  records: number,
  name: (what: string) => string,
): Promise<Measured[]> {
  const seqs = spread(records, 4096);
  let at = 0;
  const ask = async (): Promise<unknown> => {
    at += 1;
    return client.readAll(`/audit/proof/${seqs[at % seqs.length]}`);
  };
  const made = await several(3, () => load({ pid: hive.pid, depth: 8, lasts: 1500 }, ask));
  return [
    { name: name("inclusion proofs"), unit: "/s", runs: made.map(({ rate }) => rate) },
    {
      name: name("inclusion proofs, processor time of the daemon"),
      unit: "µs",
      runs: made.map(({ server }) => server),
    },
  ];
}

async function pasts(client: Client, seqs: readonly number[]): Promise<number[]> {
  const times: number[] = [];
  for (const seq of seqs) times.push(await timed(() => client.readAll(`/at/${seq}/policy/rules`, {})));
  return times;
}

/** A job is named by the record that made it, which is one of three. */
async function jobNear(client: Client, seq: number): Promise<string> {
  for (const id of [seq, seq + 1, seq + 2]) {
    const found = await client.getattr(`/jobs/${id}`).then(
      () => true,
      () => false,
    );
    if (found) return `/jobs/${id}/status`;
  }
  throw new Error(`no job near record ${seq}`);
}

async function verified(home: string): Promise<number> {
  const args = [...process.execArgv, main, "audit", "verify", "--home", home, "--json"];
  const began = performance.now();
  const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 20 });
  const { size } = JSON.parse(stdout) as { readonly size: number };
  return (size / (performance.now() - began)) * 1000;
}

/** Why, the past, and verification over a long journal. Takes minutes and some gigabytes, so it runs only when named. */
export const proof: Bench = {
  name: "proof",
  extra: true,
  async run(tell) {
    await using place = await temporaryPlace();
    const home = join(place.path, "home");
    await (await startOver(home))[Symbol.asyncDispose]();
    const { records } = await addEndedJobs(home, jobs, tell, { snapshots: true });
    const name = (what: string): string => `${what}, ${records.toLocaleString("en")} records`;
    tell("verifying");
    const rows: Measured[] = [{ name: name("audit verify"), unit: "/s", runs: [await verified(home)] }];
    tell("starting");
    await using hive = await startOver(home);
    const client = await hive.owner();
    try {
      await whys(client, [1]);
      tell("why");
      rows.push({
        name: name("why of a record, with its proofs"),
        unit: "ms",
        runs: await whys(client, spread(records, 21)),
        goal: { most: 100 },
      });
      tell("inclusion proofs");
      rows.push(...(await proofRows(hive, client, records, name)));
      const path = encodeURIComponent(await jobNear(client, records - 10));
      const ofFile: number[] = [];
      for (let turn = 0; turn < 5; turn += 1)
        ofFile.push(await timed(() => client.readAll(`/audit/why/${path}/chain.json`, {})));
      rows.push({ name: name("why of a file"), unit: "ms", runs: ofFile, goal: { most: 100 } });
      tell("/at, the first");
      rows.push({
        name: name("/at, the first of a daemon: a thread starts"),
        unit: "ms",
        runs: await pasts(client, [Math.floor(records / 2)]),
        goal: { most: 1000 },
      });
      tell("/at, newest");
      const newest = [1, 2, 3].map((back) => records - back * 1000);
      rows.push({
        name: name("/at near the end"),
        unit: "ms",
        runs: await pasts(client, newest),
        goal: { most: 1000 },
      });
      tell("/at, anywhere");
      rows.push({
        name: name("/at anywhere"),
        unit: "ms",
        runs: await pasts(client, spread(records, 11)),
        goal: { most: 1000 },
      });
      tell("/at, a walk");
      const walk = Array.from({ length: 11 }, (_, at) => Math.floor(records / 3) + at * 250);
      rows.push({
        name: name("/at, from one moment to the next, 250 records on"),
        unit: "ms",
        runs: (await pasts(client, walk)).slice(1),
        goal: { most: 250 },
      });
      return rows;
    } finally {
      await client.close();
    }
  },
};
