import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { type Diod, hasDiod, startDiod } from "../diod.ts";
import { attach, startHive } from "../hive.ts";
import { type Load, load } from "../load.ts";
import { temporaryPlace } from "../place.ts";
import type { Bench, Measured } from "../row.ts";

const file = "/proc/lifecycle/state";
const runs = 5;
const lasts = 600;

type Run = (depth: number) => Promise<Load>;

async function reader(client: Client, path: string, pid: number): Promise<Run> {
  const opened = await client.open(path);
  return (depth) => load({ pid, depth, lasts }, () => opened.read(0, 4096));
}

/** One after the other, so that both meet the same weather. */
async function compared(depth: number, ours: Run, theirs: Run | undefined): Promise<[Load[], Load[]]> {
  const made: [Load[], Load[]] = [[], []];
  await ours(depth);
  await theirs?.(depth);
  for (let at = 0; at < runs; at += 1) {
    made[0].push(await ours(depth));
    if (theirs) made[1].push(await theirs(depth));
  }
  return made;
}

function measured(name: string, least: number, [ours, theirs]: [Load[], Load[]]): Measured[] {
  const peer =
    theirs.length > 0 ? { peer: "diod", peerRuns: theirs.map(({ rate }) => rate), leastRatio: 2 } : {};
  const cpu = theirs.length > 0 ? { peer: "diod", peerRuns: theirs.map(({ server }) => server) } : {};
  return [
    { name, unit: "/s", runs: ours.map(({ rate }) => rate), goal: { least }, ...peer },
    {
      name: `${name}: processor time of the server`,
      unit: "µs",
      runs: ours.map(({ server }) => server),
      ...cpu,
    },
    { name: `${name}: processor time of the client`, unit: "µs", runs: ours.map(({ client }) => client) },
  ];
}

async function withDiod(
  act: (diod: Diod | undefined, directory: string) => Promise<Measured[]>,
): Promise<Measured[]> {
  if (!hasDiod()) return act(undefined, "");
  await using place = await temporaryPlace();
  await writeFile(join(place.path, "state"), "state=ONLINE\n");
  await using diod = await startDiod(place.path);
  return await act(diod, place.path);
}

/** Reads of an opened file on one TCP connection, against diod with the same client. */
export const reads: Bench = {
  name: "reads",
  run: (tell) =>
    withDiod(async (diod) => {
      if (!diod) tell("diod is not installed, so there is no peer (Debian: apt-get install diod)");
      await using hive = await startHive();
      const token = await hive.ticket("bench", "queen", [{ path: "/", verb: "rw" }]);
      await using client = await attach(hive.ready["9p"], token);
      const ours = await reader(client, file, hive.pid);
      const peer = await diod?.client();
      const theirs = diod && peer ? await reader(peer, "/state", diod.pid) : undefined;
      tell("one at a time");
      const single = await compared(1, ours, theirs);
      tell("64 at a time");
      const many = await compared(64, ours, theirs);
      await peer?.close();
      return [
        ...measured("9P reads, one at a time", 25_000, single),
        ...measured("9P reads, 64 at a time", 75_000, many),
      ];
    }),
};
