import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { attach, type HiveProcess, startOver } from "../hive.ts";
import { temporaryPlace } from "../place.ts";
import type { Measured } from "../row.ts";

const rounds = 3;
const patience = 30_000;

interface Ban {
  readonly ban: string;
  readonly until: number;
}

const bans = async (owner: Client): Promise<readonly Ban[]> =>
  JSON.parse((await owner.readAll("/policy/bans.json")).toString()) as Ban[];

const entered = (hive: HiveProcess, token: string): Promise<boolean> =>
  attach({ path: hive.ready.socket }, token).then(
    async (client) => {
      await client.close();
      return true;
    },
    () => false,
  );

async function untilIn(hive: HiveProcess, token: string): Promise<number> {
  for (const end = performance.now() + patience; performance.now() < end; )
    if (await entered(hive, token)) return performance.now();
  throw new Error("nobody was let in again");
}

/** What becomes of a ban: it outlasts a kill of the daemon, and is over when it is lifted or when its time is. */
export async function timeRows(tell: (text: string) => void): Promise<Measured[]> {
  await using place = await temporaryPlace();
  const home = join(place.path, "home");
  const kept: number[] = [];
  const lifted: number[] = [];
  const over: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    tell(`restart, undone, expired, ${round + 1} of ${rounds}`);
    let token: string;
    {
      await using hive = await startOver(home);
      await using owner = await hive.owner();
      token = await hive.ticket("ann", "queen", [{ path: "/", verb: "rw" }]);
      await owner.append("/policy/contain", JSON.stringify({ op: "block", subject: "ann", reason: "bench" }));
      process.kill(hive.pid, "SIGKILL");
    }
    await using hive = await startOver(home);
    const began = performance.now();
    if (await entered(hive, token)) throw new Error("a ban did not outlast the daemon");
    kept.push(performance.now() - began);
    await using owner = await hive.owner();
    const [found] = await bans(owner);
    const before = performance.now();
    await owner.append("/policy/contain", JSON.stringify({ op: "lift", ban: found?.ban }));
    lifted.push((await untilIn(hive, token)) - before);
    const line = { op: "block", subject: "ann", reason: "bench", for_s: 2 };
    await owner.append("/policy/contain", JSON.stringify(line));
    const [timed] = await bans(owner);
    const left = (timed?.until ?? 0) - Date.now();
    const from = performance.now();
    over.push((await untilIn(hive, token)) - from - left);
  }
  const row = (name: string, runs: readonly number[]): Measured => ({
    name,
    unit: "ms",
    runs,
    goal: { most: 1000 },
  });
  return [
    row("a ban after kill -9 and restart: to the first refusal at the door", kept),
    row("a ban that is lifted: to the next attach", lifted),
    row("a ban that expires: from its end to the next attach", over),
  ];
}
