import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Client } from "@skep/ninep";
import { joinMachines, startMeshHive } from "../joined.ts";
import { Child, childrenOf, spentBy } from "../process.ts";
import type { Measured } from "../row.ts";

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const main = file("apps/skep/src/main.mjs");
/** It never ends by itself. */
const endless = file("examples/modules/misbehaving/loop.wasm");
const patience = 120_000;

async function until<T>(find: () => Promise<T | undefined> | T | undefined, what: string): Promise<T> {
  for (const end = performance.now() + patience; performance.now() < end; ) {
    const found = await find();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`it never came to this: ${what}`);
}

const json = async <T>(client: Client, path: string): Promise<T> =>
  JSON.parse((await client.readAll(path)).toString()) as T;

function below(pid: number): number[] {
  try {
    return childrenOf(pid).flatMap((child) => [child, ...below(child)]);
  } catch {
    return [];
  }
}

const spent = (pid: number): number => {
  try {
    return spentBy(pid).all;
  } catch {
    return 0;
  }
};

/** The process below the machine's that works: it takes processor time while it is looked at. */
async function working(pid: number): Promise<number | undefined> {
  const before = new Map(below(pid).map((each) => [each, spent(each)]));
  await new Promise((resolve) => setTimeout(resolve, 300));
  return [...before].find(([each, was]) => spent(each) - was > 60)?.[0];
}

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function handIn(home: string): Promise<string> {
  const args = [
    ...process.execArgv,
    main,
    "run",
    "--detach",
    "--json",
    "--time",
    "60s",
    "--home",
    home,
    endless,
  ];
  await using child = new Child(process.execPath, args);
  return String((JSON.parse(await child.firstLine()) as { job: string }).job);
}

interface Place {
  readonly owner: Client;
  readonly home: string;
  readonly machine: number;
}

/** Milliseconds from the line of an act until the process that works on another machine is gone. */
async function stopped({ owner, home, machine }: Place, line: object): Promise<number> {
  const job = await handIn(home);
  const pid = await until(() => working(machine), `job ${job} takes processor time`);
  const began = performance.now();
  await owner.append("/policy/contain", JSON.stringify({ ...line, reason: "bench" }));
  await until(() => (isThere(pid) ? undefined : true), "its process is gone");
  const took = performance.now() - began;
  await owner.append("/jobs/ctl", JSON.stringify({ op: "cancel", job }));
  for (const { ban } of await json<{ ban: string }[]>(owner, "/policy/bans.json"))
    await owner.append("/policy/contain", JSON.stringify({ op: "lift", ban }));
  return took;
}

/** The acts as a machine that joined over the mesh feels them: the process of the module ends. */
export async function meshRows(tell: (text: string) => void): Promise<Measured[]> {
  await using hive = await startMeshHive();
  await using owner = await hive.owner();
  await using machines = await joinMachines(hive, 1);
  const worker = await until(async () => {
    const [first] = await json<{ node: string; state: string }[]>(owner, "/net/nodes.json").catch(() => []);
    return first?.node;
  }, "the machine joins");
  const place = { owner, home: hive.ready.home, machine: machines.pids[0] ?? 0 };
  const module = createHash("sha256")
    .update(await readFile(endless))
    .digest("hex");
  const rows: Measured[] = [];
  for (const [name, line, rounds, most] of [
    ["freeze of a machine", { op: "freeze", worker }, 3, 60_000],
    ["quarantine of a module", { op: "quarantine", module }, 3, 5000],
    ["quarantine of a class", { op: "quarantine", class: "wasm" }, 3, 5000],
    ["revocation of a machine", { op: "revoke", node: worker }, 1, 30_000],
  ] as const) {
    const runs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      tell(`over the mesh, ${name}, ${round + 1} of ${rounds}`);
      runs.push(await stopped(place, line));
    }
    rows.push({
      name: `${name}, over the mesh: to the end of the process of its module`,
      unit: "ms",
      runs,
      goal: { most },
      peer: "limits of the original",
    });
  }
  return rows;
}
