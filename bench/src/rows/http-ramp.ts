import { setTimeout as sleep } from "node:timers/promises";
import { joinWorkers } from "../http/artifact.ts";
import { type Caller, type HttpHive, startHttp } from "../http/hive.ts";
import { good } from "../http/wire.ts";
import { percentile } from "../load.ts";
import { residentOf, spentBy } from "../process.ts";
import type { Bench, Measured } from "../row.ts";

const seed = Number(process.env.SKEP_BENCH_SEED ?? 25);
const stages = (process.env.SKEP_BENCH_RAMP ?? "8,1000,5000").split(",").map(Number);
/** Milliseconds of a stage, and between two requests of one worker. */
const lasts = 15_000;
const every = 2000;

/** Numbers between 0 and 1 from a seed (mulberry32). */
function chance(from: number): () => number {
  let at = from >>> 0;
  return () => {
    at = (at + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(at ^ (at >>> 15), at | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Tally {
  readonly times: number[];
  /** Answers of 429 and 503, and everything else that was not good. */
  refused: number;
  failed: number;
  why: string;
}

function requestOf(id: string, caller: Caller, dice: number): Buffer {
  if (dice < 0.5) {
    const line = `load=${dice.toFixed(3)} temp=${Math.round(40 + dice * 20)}`;
    return caller.request("POST", "/v1/fs/echo", JSON.stringify({ path: `/worker/${id}/telemetry`, line }));
  }
  if (dice < 0.8) return caller.request("GET", "/v1/fs/cat?path=/proc/lifecycle/state");
  if (dice < 0.9) return caller.request("GET", "/v1/meta/status");
  return caller.request("GET", `/v1/fs/tail?path=/worker/${id}/telemetry&lines=8`);
}

/** One worker: its requests come when its seed says so, late ones count from when they were due. */
async function work(id: string, caller: Caller, tally: Tally, until: number): Promise<void> {
  const roll = chance(seed * 7919 + Number(id.replace(/\D/g, "")));
  let due = performance.now() + roll() * every;
  while (due < until) {
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    try {
      const answer = await caller.wire.ask(requestOf(id, caller, roll()));
      if (answer.status === 429 || answer.status === 503) tally.refused += 1;
      else if (JSON.parse(String(good(answer))).status === "ERR") throw new Error(String(answer.body));
      tally.times.push(performance.now() - due);
    } catch (thrown) {
      tally.failed += 1;
      tally.why ||= String(thrown);
      return;
    }
    due += -Math.log(1 - roll()) * every;
  }
}

async function stage(
  http: HttpHive,
  known: Map<string, Caller>,
  count: number,
  tell: (text: string) => void,
): Promise<readonly Measured[]> {
  const came = performance.now();
  for (const [id, caller] of await joinWorkers(http, known.size, count - known.size)) known.set(id, caller);
  const joined = (performance.now() - came) / 1000;
  const tally: Tally = { times: [], refused: 0, failed: 0, why: "" };
  const before = spentBy(http.hive.pid).all;
  const began = performance.now();
  await Promise.all([...known].map(([id, caller]) => work(id, caller, tally, began + lasts)));
  const wall = performance.now() - began;
  if (tally.why !== "") tell(tally.why);
  const busy = (spentBy(http.hive.pid).all - before) / wall;
  const name = `HTTP ramp, ${count} workers`;
  const row = (what: string, unit: string, value: number, most?: number): Measured => ({
    name: `${name}: ${what}`,
    unit,
    runs: [value],
    ...(most !== undefined && { goal: { most } }),
  });
  return [
    row("answers", "/s", (tally.times.length / wall) * 1000),
    row("failed", "", tally.failed, 0),
    row("refused for pressure", "", tally.refused, 0),
    row("p50", "ms", percentile(tally.times, 50)),
    row("p99", "ms", percentile(tally.times, 99)),
    row("said hello in", "s", joined),
    row("processors busy in the daemon", "", busy),
    row("memory of the daemon", "MB", residentOf(http.hive.pid)),
  ];
}

/**
 * Workers that come over HTTP, each with a ticket, a connection and a pace of its own from `SKEP_BENCH_SEED`: 8, 1,000,
 * 5,000, or as `SKEP_BENCH_RAMP` says. `--json` has the summary for machines.
 */
export const httpRamp: Bench = {
  name: "http-ramp",
  extra: true,
  async run(tell) {
    await using http = await startHttp();
    const known = new Map<string, Caller>();
    const rows: Measured[] = [];
    for (const count of stages) {
      tell(`${count} workers`);
      rows.push(...(await stage(http, known, count, tell)));
    }
    for (const caller of known.values()) caller.close();
    return rows;
  },
};
