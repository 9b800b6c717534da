import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { flipsFrom } from "@skep/app-skep";
import type { Client, RemoteFile } from "@skep/ninep";
import { fleetOf, many } from "../fleet.ts";
import { type HiveProcess, startOver } from "../hive.ts";
import { load } from "../load.ts";
import { temporaryPlace } from "../place.ts";
import type { Bench, Measured } from "../row.ts";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../../apps/skep/src/main.mjs", import.meta.url));
/** Seconds that the hive is busy; ten minutes unless `--seconds` or the environment tells. */
const secondsOf = (): number => Number(process.env.SKEP_BENCH_SECONDS ?? 600);
const lanes = 8;

const rules = `@id("default") permit (principal, action, resource);
@id("day") forbid (principal in Role::"observer", action, resource) when { context.hour < 6 };
@id("two-eyes") @mode("present") @by("ticket") forbid (principal, action == Action::"kill", resource == Path::"/queen/ctl");`;

interface Lane extends AsyncDisposable {
  say(path: string, line: object | string): Promise<{ readonly id?: number; readonly result?: unknown }>;
}

async function lane(client: Client): Promise<Lane> {
  const open = new Map<string, RemoteFile>();
  return {
    say: async (path, line) => {
      const file = open.get(path) ?? (await client.open(path, "readWrite"));
      if (!open.has(path)) await file.read(0, 1);
      open.set(path, file);
      const text = typeof line === "string" ? line : JSON.stringify(line);
      // A refusal is an answer too.
      await file.write(Buffer.from(`${text}\n`)).catch(() => undefined);
      return JSON.parse(Buffer.from(await file.read(0, file.iounit)).toString()) as { readonly id?: number };
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

let n = 0;

/** What people do, one after the other: some of it twice under a key, some of it wrong, some of it taken back. */
async function busy(lane: Lane): Promise<void> {
  n += 1;
  const say = lane.say;
  if (n % 4 === 0) return void (await say("/queen/ctl", { revoke: `b-${n}` }));
  if (n % 4 === 1) {
    const line = { revoke: `k-${n}`, $key: `key-${n}`, $reason: "bench" };
    await say("/queen/ctl", line);
    return void (await say("/queen/ctl", line));
  }
  if (n % 4 === 2) {
    const { id } = await say("/policy/contain", {
      op: "block",
      subject: `x-${n}`,
      reason: "bench",
      for_s: 60,
    });
    await say("/policy/contain", { op: "lift", ban: String(id) });
    return void (await say("/queen/ctl", n % 8 === 2 ? "{no json" : { kill: "worker-999999" }));
  }
  const { result } = await say("/queen/ctl", { spawn: "heartbeat", ticks: 3 });
  const made = /worker-\d+/.exec(JSON.stringify(result ?? ""))?.[0] ?? "worker-999999";
  await say("/actions/queue", { id: `a-${n}`, target: "/queen/ctl", decision: "approve" });
  await say("/queen/ctl", { kill: made });
}

async function work(hive: HiveProcess, seconds: number, tell: (text: string) => void): Promise<void> {
  await using fleet = await fleetOf(hive);
  const open = await Promise.all(Array.from({ length: lanes }, async () => lane(await hive.owner())));
  await open[0]?.say("/policy/ctl", { op: "apply", files: { "a.cedar": rules } });
  const until = performance.now() + seconds * 1000;
  for (let left = seconds; performance.now() < until; left = (until - performance.now()) / 1000) {
    tell(`busy, ${Math.round(left)} s left`);
    const lasts = Math.min(8000, until - performance.now());
    await load({ pid: hive.pid, depth: lanes, lasts }, (at) => busy(open[at] as Lane));
    await many(fleet, false, 1500);
  }
  for (const each of open) await each[Symbol.asyncDispose]();
}

async function skep(words: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [...process.execArgv, main, ...words], {
    maxBuffer: 1 << 26,
  });
  return stdout;
}

interface Report {
  readonly match: boolean;
  readonly same: number;
  readonly state: string;
  readonly entries: number;
  readonly sequence: string;
}

/** The journal of a busy time, judged again in two other processes; lies in copies of it; packs of one state. */
export const determinism: Bench = {
  name: "determinism",
  extra: true,
  async run(tell) {
    await using place = await temporaryPlace();
    const seconds = secondsOf();
    const home = join(place.path, "home");
    {
      await using hive = await startOver(home, ["--workers", "2"]);
      await work(hive, seconds, tell);
    }
    const reports: Report[] = [];
    const times: number[] = [];
    for (const turn of ["first", "second"]) {
      tell(`replaying, the ${turn} process`);
      const began = performance.now();
      reports.push(JSON.parse(await skep(["audit", "replay", "--offline", "--home", home, "--json"])));
      times.push((performance.now() - began) / 1000);
    }
    const [one, other] = reports as [Report, Report];
    if (!one.match || JSON.stringify(one) !== JSON.stringify(other))
      throw new Error(`two replays differ: ${JSON.stringify(reports)}`);
    tell(`state ${one.state}, ${one.entries} acknowledgements, sequence ${one.sequence}`);
    tell("lies in copies");
    const flips = await flipsFrom(home, Math.floor(one.same / 2));
    const missed = flips.filter(({ at, found }) => found !== at);
    if (missed.length > 0) throw new Error(`not found at its record: ${JSON.stringify(missed)}`);
    tell("packs");
    const packs: string[] = [];
    for (const name of ["one.tar", "other.tar"]) {
      const file = join(place.path, name);
      await skep(["evidence", "bundle", file, "--offline", "--home", home]);
      packs.push(
        createHash("sha256")
          .update(await readFile(file))
          .digest("hex"),
      );
    }
    if (packs[0] !== packs[1]) throw new Error(`two packs of one state differ: ${packs.join(" ")}`);
    const rows: Measured[] = [
      {
        name: `replay of ${seconds} s: records that came to the same, in two processes`,
        unit: "",
        runs: reports.map(({ same }) => same),
        goal: { least: 1 },
      },
      {
        name: "replay: acknowledgements that are the same",
        unit: "",
        runs: reports.map(({ entries }) => entries),
        goal: { least: 1 },
      },
      {
        name: "replay: judged again",
        unit: "/s",
        runs: reports.map(({ same }, at) => same / (times[at] ?? 1)),
      },
      {
        name: "replay: lies of three found at their record",
        unit: "",
        runs: [flips.length],
        goal: { least: 3 },
      },
    ];
    return rows;
  },
};
