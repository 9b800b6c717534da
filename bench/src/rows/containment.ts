import type { Client } from "@skep/ninep";
import { blockOf, type HiveProcess, startHive } from "../hive.ts";
import { spentBy } from "../process.ts";
import type { Bench, Measured } from "../row.ts";
import { busyCrowd } from "./containment-crowd.ts";
import { meshRows } from "./containment-mesh.ts";
import { timeRows } from "./containment-time.ts";
import { refusalTimes, workTimes } from "./containment-work.ts";
import { loopOf } from "./loop.ts";

const sessions = 1000;
const rounds = 5;

interface Ban {
  readonly name: string;
  readonly line: object;
}

interface Felt {
  /** Milliseconds to the refusal of the last session. */
  readonly last: number;
  /** Milliseconds of the daemon's processor time meanwhile. */
  readonly processor: number;
}

async function once(hive: HiveProcess, owner: Client, token: string, { line }: Ban): Promise<Felt> {
  await using crowd = await busyCrowd({ socket: hive.ready.socket, token, count: sessions });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = spentBy(hive.pid).all;
  const began = performance.timeOrigin + performance.now();
  await owner.append("/policy/contain", JSON.stringify(line));
  const last = (await crowd.refused) - began;
  const processor = spentBy(hive.pid).all - before;
  const bans = JSON.parse((await owner.readAll("/policy/bans.json")).toString()) as { ban: string }[];
  for (const { ban } of bans) await owner.append("/policy/contain", JSON.stringify({ op: "lift", ban }));
  return { last, processor };
}

/** The acts that a machine, or who hands in work, feels; meanwhile as many sessions keep reading. */
async function feltBySome(
  hive: HiveProcess,
  owner: Client,
  token: string,
  tell: (text: string) => void,
): Promise<Measured[]> {
  await using _crowd = await busyCrowd({ socket: hive.ready.socket, token, count: sessions });
  tell("machines");
  const machines = await workTimes(hive, owner);
  tell("what comes");
  const work = await refusalTimes(hive, owner);
  const row =
    (to: string) =>
    ([name, runs]: readonly [string, readonly number[]]): Measured => ({
      name: `${name} to ${to}, ${sessions} busy sessions`,
      unit: "ms",
      runs,
      goal: { most: 1000 },
    });
  return [
    ...Object.entries(machines).map(row("the machine that runs it")),
    ...Object.entries(work).map(row("the refusal, or the waiting, of what comes")),
  ];
}

/** Containment under load: 1,000 sessions that all keep reading, from the ban's line to the last refusal. */
export const containment: Bench = {
  name: "containment",
  extra: true,
  async run(tell) {
    await using hive = await startHive();
    await using owner = await hive.owner();
    const token = await hive.ticket("ann", "queen", [{ path: "/", verb: "rw" }]);
    const rows: Measured[] = [];
    for (const { name, line } of [
      { name: "block", line: { op: "block", subject: "ann", reason: "bench" } },
      {
        name: "revocation of a ticket",
        line: { op: "revoke", ticket: await blockOf(hive, token), reason: "bench" },
      },
    ]) {
      const felt: Felt[] = [];
      for (let at = 0; at < rounds; at += 1) {
        tell(`${name}, round ${at + 1} of ${rounds}`);
        felt.push(await once(hive, owner, token, { name, line }));
      }
      const what = `${name} to the last of ${sessions} busy sessions ended`;
      rows.push(
        { name: what, unit: "ms", runs: felt.map(({ last }) => last), goal: { most: 1000 } },
        {
          name: `${what}: processor time of the daemon meanwhile`,
          unit: "ms",
          runs: felt.map(({ processor }) => processor),
        },
      );
    }
    rows.push(...(await feltBySome(hive, owner, token, tell)));
    const { recentMax } = await loopOf(owner);
    const loop = { name: "longest piece of work on the loop, containment", unit: "ms", runs: [recentMax] };
    return [...rows, loop, ...(await timeRows(tell)), ...(await meshRows(tell))];
  },
};
