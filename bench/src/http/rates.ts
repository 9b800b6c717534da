import { type Load, load, percentile } from "../load.ts";
import type { Measured } from "../row.ts";
import { type Caller, callers, type HttpHive, startBare } from "./hive.ts";
import { good, requestOf, Wire } from "./wire.ts";

const depth = 64;
const runs = 5;
const lasts = 800;

/** Keeps one request going on each connection. */
function run(pid: number, wires: readonly Wire[], requests: readonly Buffer[]): Promise<Load> {
  return load({ pid, depth: wires.length, lasts, timed: true }, async (lane) => {
    good(await (wires[lane] as Wire).ask(requests[lane] as Buffer));
  });
}

interface Compared {
  readonly ours: readonly Load[];
  readonly theirs: readonly Load[];
}

function rows(name: string, { ours, theirs }: Compared): Measured[] {
  const peer = "bare Fastify";
  const both = (unit: string, of: (one: Load) => number, title = name): Measured => ({
    name: title,
    unit,
    runs: ours.map(of),
    peer,
    peerRuns: theirs.map(of),
  });
  return [
    both("/s", ({ rate }) => rate),
    both("ms", ({ times }) => percentile(times, 99), `${name}: p99`),
    both("µs", ({ server }) => server, `${name}: processor time of the server`),
  ];
}

/** Requests per second with 64 connections, each with a ticket of its own, and a bare Fastify in turns with it. */
export async function rates(http: HttpHive, tell: (text: string) => void): Promise<readonly Measured[]> {
  await using bare = await startBare();
  const wires = Array.from({ length: depth }, () => new Wire(bare.port));
  const asking = await callers(http, depth);
  const made: Measured[] = [];
  const revoke = '{"revoke":"0000000000000000000000000000000000000000000000000000000000000000"}';
  const cases = [
    ["HTTP GET of a file", "GET", "/v1/tree/proc/lifecycle/state.json", undefined],
    ["HTTP GET /v1/meta/status", "GET", "/v1/meta/status", undefined],
    ["HTTP POST of a durable control", "POST", "/v1/tree/queen/ctl", revoke],
  ] as const;
  for (const [name, method, target, body] of cases) {
    tell(name);
    const requests = asking.map((caller) => caller.request(method, target, body));
    const route = method === "GET" ? "/state" : "/line";
    const type = { "Content-Type": "application/json" };
    const plain = wires.map(() => requestOf(bare.port, method, route, body === undefined ? {} : type, body));
    const ours = asking.map(({ wire }) => wire);
    const found = { ours: [] as Load[], theirs: [] as Load[] };
    await run(http.hive.pid, ours, requests);
    await run(bare.pid, wires, plain);
    for (let at = 0; at < runs; at += 1) {
      found.ours.push(await run(http.hive.pid, ours, requests));
      found.theirs.push(await run(bare.pid, wires, plain));
    }
    made.push(...rows(name, found));
  }
  for (const one of [...asking, ...wires]) one.close();
  return made;
}

/** Requests per second of pollers that know nothing of each other, or of one that asks for one after the other. */
async function polled(asking: readonly Caller[], requests: readonly Buffer[], isParallel: boolean) {
  const rounds = 60;
  const one = async (caller: Caller, at: number) => good(await caller.wire.ask(requests[at] as Buffer));
  const poll = async (caller: Caller, at: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) await one(caller, at);
  };
  const began = performance.now();
  if (isParallel) await Promise.all(asking.map(poll));
  else
    for (let round = 0; round < rounds; round += 1)
      for (const [at, caller] of asking.entries()) await one(caller, at);
  return ((rounds * asking.length) / (performance.now() - began)) * 1000;
}

/** What polling gains where it is done in parallel, as the plan of the original asks for. */
export async function polling(http: HttpHive, tell: (text: string) => void): Promise<readonly Measured[]> {
  const asking = await callers(http, 16);
  const [first] = asking;
  for (let at = 1; at <= asking.length; at += 1) {
    const spawn = '{"spawn":"heartbeat","ticks":1}';
    good(await (first as Caller).wire.ask((first as Caller).request("POST", "/v1/tree/queen/ctl", spawn)));
    const line = JSON.stringify({ path: `/worker/worker-${at}/telemetry`, line: "temp=41 load=0.5" });
    for (let left = 64; left > 0; left -= 1)
      good(await (first as Caller).wire.ask((first as Caller).request("POST", "/v1/fs/echo", line)));
  }
  const made: Measured[] = [];
  const cases = [
    ["status", 2, () => "/v1/fs/cat?path=/proc/lifecycle/state"],
    ["telemetry", 1.3, (at: number) => `/v1/fs/tail?path=/worker/worker-${at + 1}/telemetry&lines=64`],
  ] as const;
  for (const [what, leastRatio, target] of cases) {
    tell(`${what} in parallel and in series`);
    const requests = asking.map((caller, at) => caller.request("GET", target(at)));
    const parallel: number[] = [];
    const series: number[] = [];
    await polled(asking, requests, true);
    // Many and short, which of both goes first in turns: other load comes and goes in longer pieces.
    for (let at = 0; at < 22; at += 1) {
      const isParallel = at % 4 === 0 || at % 4 === 3;
      (isParallel ? parallel : series).push(await polled(asking, requests, isParallel));
    }
    const name = `HTTP polling of ${what} by 16 in parallel`;
    made.push({ name, unit: "/s", runs: parallel, peer: "in series", peerRuns: series, leastRatio });
  }
  for (const caller of asking) caller.close();
  return made;
}
