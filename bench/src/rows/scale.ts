import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "@skep/ninep";
import { attach, type HiveProcess, profiling, startOver } from "../hive.ts";
import { percentile } from "../load.ts";
import { temporaryPlace } from "../place.ts";
import { residentOf, spentBy } from "../process.ts";
import type { Bench, Measured } from "../row.ts";
import { Crowds } from "../scale/crowds.ts";
import { loopOf } from "./loop.ts";

/** SKEP_BENCH_SCALE: how many workers are attached at each step, growing; SKEP_BENCH_SCALE_MS: how long each is watched. */
const steps = (process.env.SKEP_BENCH_SCALE ?? "1000,5000,10000").split(",").map(Number);
const watch = Number(process.env.SKEP_BENCH_SCALE_MS ?? 20_000);
/** Milliseconds between two controls of the operator. */
const everyControl = 50;

/** An operator who works while the workers talk: what each of its controls and reads took, milliseconds. */
async function operate(client: Client, lasts: number): Promise<{ controls: number[]; reads: number[] }> {
  const controls: number[] = [];
  const reads: number[] = [];
  const until = performance.now() + lasts;
  await using ctl = await client.open("/queen/ctl", "readWrite");
  const control = async (line: object): Promise<string> => {
    const began = performance.now();
    await ctl.append(JSON.stringify(line));
    controls.push(performance.now() - began);
    return (await ctl.readAll()).toString();
  };
  while (performance.now() < until) {
    const answer = await control({ spawn: "heartbeat", ticks: 5 });
    const worker = /worker-\d+/.exec(answer)?.[0];
    if (!worker) throw new Error(`the spawn was answered ${answer}`);
    await sleep(everyControl);
    const began = performance.now();
    await client.readAll("/proc/lifecycle/state");
    reads.push(performance.now() - began);
    await control({ kill: worker });
    await sleep(everyControl);
  }
  return { controls, reads };
}

/** What each of some rounds took, milliseconds. */
async function times(rounds: number, act: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let at = 0; at < rounds; at += 1) {
    const began = performance.now();
    await act();
    took.push(performance.now() - began);
  }
  return took;
}

interface Before {
  readonly empty: number;
  readonly count: number;
}

/** One step: more workers attach, then all talk for a while and the operator goes on working. */
async function step(
  hive: HiveProcess,
  crowds: Crowds,
  count: number,
  { empty, count: before }: Before,
  tell: (text: string) => void,
): Promise<Measured[]> {
  const spentBefore = spentBy(hive.pid).all;
  const attached = await crowds.add(hive, count - before);
  const perAttach = (spentBy(hive.pid).all - spentBefore) / (count - before);
  const idle = residentOf(hive.pid);
  tell(`${count} attached, ${attached.toFixed(0)} ms, ${idle.toFixed(0)} MB`);
  await using operator = await attach(hive.ready["9p"], await hive.ticket("op", "queen", [all]));
  const listing = await times(3, () => operator.readdir("/worker"));
  const first = await crowds.report();
  await crowds.talk();
  await sleep(2000);
  await crowds.report();
  const [spent, clients, began] = [spentBy(hive.pid), crowds.spent, performance.now()];
  const { controls, reads } = await operate(operator, watch);
  const seen = await crowds.report();
  const wall = performance.now() - began;
  const after = spentBy(hive.pid);
  const clientTime = crowds.spent - clients;
  await crowds.quiet();
  const { recentMax } = await loopOf(operator);
  const full = residentOf(hive.pid);
  if (seen.errors > 0) tell(`${seen.errors} errors, the first: ${seen.firstError}`);
  if (first.retries > 0) tell(`${first.retries} attaches were tried again: ${first.firstError}`);
  const of = `${count} workers`;
  const row = (name: string, unit: string, value: number, goal?: Measured["goal"]): Measured => ({
    name: `${of}: ${name}`,
    unit,
    runs: [value],
    ...(goal && { goal }),
  });
  return [
    row("errors, nothing tried again", "", seen.errors + first.retries, { most: 0 }),
    row("records told", "/s", (seen.told * 1000) / wall, { least: count * 0.99 }),
    row("telemetry p50", "ms", seen.p50),
    row("telemetry p99", "ms", seen.p99, { most: 250 }),
    row("control p99, spawn and kill", "ms", percentile(controls, 99), { most: 50 }),
    row("control p50", "ms", percentile(controls, 50)),
    row("read p99", "ms", percentile(reads, 99)),
    { name: `${of}: listing of /worker`, unit: "ms", runs: listing },
    row("longest piece of work on the loop", "ms", recentMax),
    row("processor of the daemon", "% of one", ((after.all - spent.all) * 100) / wall),
    row("processor of the daemon for each record", "µs", ((after.all - spent.all) * 1000) / seen.told),
    row("processor of the clients", "% of one", (clientTime * 100) / wall),
    row("memory of the hive, attached", "MB", idle),
    row("memory of the hive, talking", "MB", full),
    row("memory for each worker, talking", "kB", ((full - empty) * 1000) / count),
    row("attached, the new ones, in", "ms", attached),
    row("processor of the daemon for an attach", "ms", perAttach),
  ];
}

const all = { path: "/", verb: "*" } as const;

/** The daemon is killed and started over the same home; the workers come back by themselves. */
async function restart(home: string, hive: HiveProcess, crowds: Crowds): Promise<Measured[]> {
  await crowds.report();
  const back = crowds.back();
  process.kill(hive.pid, "SIGKILL");
  await hive[Symbol.asyncDispose]();
  const began = performance.now();
  await using again = await startOver(home, flagsOf(hive.ready["9p"].port), profiling());
  const ready = performance.now();
  const spent = spentBy(again.pid).all;
  await back;
  const lasted = performance.now() - ready;
  const perAttach = (spentBy(again.pid).all - spent) / crowds.count;
  const { retries } = await crowds.report();
  const of = `${crowds.count} workers`;
  return [
    { name: `${of}: start of the hive after a kill`, unit: "ms", runs: [ready - began] },
    { name: `${of}: processor of the daemon until it was ready again`, unit: "ms", runs: [spent] },
    { name: `${of}: processor of the daemon for an attach after that start`, unit: "ms", runs: [perAttach] },
    {
      name: `${of}: all attached again after that start`,
      unit: "ms",
      runs: [lasted],
      goal: { most: 60_000 },
    },
    { name: `${of}: attaches tried meanwhile, the hive down included`, unit: "", runs: [retries] },
    { name: `${of}: memory of the hive, attached again`, unit: "MB", runs: [residentOf(again.pid)] },
  ];
}

const flagsOf = (port: number): string[] => ["--9p", String(port)];

/** Workers over TCP with a session each that tell a record a second, while an operator works. */
export const scale: Bench = {
  name: "scale",
  extra: true,
  async run(tell) {
    await using place = await temporaryPlace();
    const home = join(place.path, "home");
    const hive = await startOver(home, [], profiling());
    await using crowds = new Crowds();
    const rows: Measured[] = [];
    try {
      await sleep(1000);
      const empty = residentOf(hive.pid);
      let before = 0;
      for (const count of steps) {
        rows.push(...(await step(hive, crowds, count, { empty, count: before }, tell)));
        before = count;
      }
      rows.push(...(await restart(home, hive, crowds)));
    } finally {
      await hive[Symbol.asyncDispose]();
    }
    return rows;
  },
};
