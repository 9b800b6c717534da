import type { Client, RemoteFile } from "@skep/ninep";
import { attach, type HiveProcess, startHive } from "../hive.ts";
import { type Load, load, percentile, several } from "../load.ts";
import type { Bench, Measured } from "../row.ts";
import { type LoopFigures, loopOf } from "./loop.ts";

const sessions = 16;
const depth = 64;

interface Writers extends AsyncDisposable {
  readonly files: readonly RemoteFile[];
}

async function writers(clients: readonly Client[], path: (at: number) => string): Promise<Writers> {
  const files = await Promise.all(clients.map((client, at) => client.open(path(at), "append")));
  return {
    files,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

async function workerClients(hive: HiveProcess): Promise<Client[]> {
  return Promise.all(
    Array.from({ length: sessions }, async (_, at) => {
      const id = `bench-${at}`;
      const token = await hive.ticket(id, "worker", [{ path: `/worker/${id}`, verb: "rw" }]);
      return attach(hive.ready["9p"], token);
    }),
  );
}

async function queenClients(hive: HiveProcess): Promise<Client[]> {
  const token = await hive.ticket("bench", "queen", [{ path: "/", verb: "rw" }]);
  return Promise.all(Array.from({ length: sessions }, () => attach(hive.ready["9p"], token)));
}

function measured(name: string, made: readonly Load[]): Measured[] {
  return [
    { name, unit: "/s", runs: made.map(({ rate }) => rate), goal: { least: 20_000 } },
    { name: `${name}: p50`, unit: "ms", runs: made.map(({ times }) => percentile(times, 50)) },
    {
      name: `${name}: p99`,
      unit: "ms",
      runs: made.map(({ times }) => percentile(times, 99)),
      goal: { most: 20 },
    },
    { name: `${name}: processor time of the daemon`, unit: "µs", runs: made.map(({ server }) => server) },
    { name: `${name}: of its first thread`, unit: "µs", runs: made.map(({ serverFirst }) => serverFirst) },
    { name: `${name}: of the client`, unit: "µs", runs: made.map(({ client }) => client) },
  ];
}

async function run(hive: HiveProcess, files: readonly RemoteFile[], line: string): Promise<readonly Load[]> {
  const bytes = Buffer.from(line);
  const write = (lane: number): Promise<unknown> => (files[lane % sessions] as RemoteFile).write(bytes);
  return several(5, () => load({ pid: hive.pid, depth, lasts: 1500, timed: true }, write));
}

// Rules of the three kinds that sets are made of: by role and place, by state, and such that ask.
const rule = (n: number): string =>
  [
    `forbid (principal in Role::"observer", action, resource in Path::"/area-${n}");`,
    `forbid (principal, action, resource == Path::"/area-${n}/ctl") when { context.lifecycle == "DRAINING" };`,
    `@approvals("1") forbid (principal, action, resource in Path::"/area-${n}") when { context.class == "irreversible" };`,
  ][n % 3] ?? "";
/** Fifty policies of those kinds, under which everybody may still do everything. */
export const fifty = [
  "permit (principal, action, resource);",
  ...Array.from({ length: 49 }, (_, n) => rule(n)),
].join("\n");

/** Each kind of control is one run. */
function loopRows(loops: readonly LoopFigures[]): Measured[] {
  const name = "longest piece of work on the loop, controls";
  return [
    { name, unit: "ms", runs: loops.map(({ recentOwn }) => recentOwn), goal: { most: 5 } },
    {
      name: `${name}: with waits for a processor`,
      unit: "ms",
      runs: loops.map(({ recentMax }) => recentMax),
    },
    { name: `${name}: p99, with waits`, unit: "ms", runs: loops.map(({ p99 }) => p99) },
    {
      name: "longest wait for the loop since the start",
      unit: "ms",
      runs: loops.slice(-1).map(({ max }) => max),
    },
  ];
}

const greeting = '{"op":"hello","incarnation":"bench-0001"}\n';

/**
 * Controls, each a line of its own, answered when it is durable; 64 in flight over 16 sessions. The lightest that
 * changes state is a worker's hello; the lightest of all is the revocation of a block that is revoked already.
 */
export const controls: Bench = {
  name: "controls",
  async run(tell) {
    await using hive = await startHive();
    tell("a worker's hello");
    await using workers = await writers(await workerClients(hive), (at) => `/worker/bench-${at}/ctl`);
    await using owner = await hive.owner();
    const loops: LoopFigures[] = [];
    const watched = async (files: readonly RemoteFile[], line: string): Promise<readonly Load[]> => {
      const made = await run(hive, files, line);
      loops.push(await loopOf(owner));
      return made;
    };
    const hello = await watched(workers.files, greeting);
    tell("the same with 50 policies on");
    await owner.append("/policy/ctl", JSON.stringify({ op: "apply", files: { "bench.cedar": fifty } }));
    const governed = await watched(workers.files, greeting);
    tell("a revocation that changes nothing");
    await using queens = await writers(await queenClients(hive), () => "/queen/ctl");
    const revoke = await watched(queens.files, '{"revoke":"bench-block"}\n');
    return [
      ...measured("durable controls (hello)", hello),
      ...measured("durable controls (hello, 50 policies on)", governed),
      ...measured("durable controls (revoke)", revoke),
      ...loopRows(loops),
    ];
  },
};
