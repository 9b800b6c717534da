import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type HiveProcess, startHive } from "./hive.ts";
import { temporaryPlace } from "./place.ts";
import { Child } from "./process.ts";

const main = fileURLToPath(new URL("../../apps/skep/src/main.mjs", import.meta.url));

async function invitation(home: string): Promise<string> {
  const args = [...process.execArgv, main, "--home", home, "invite", "--json", "--class", "owned"];
  await using child = new Child(process.execPath, args);
  return (JSON.parse(await child.firstLine()) as { invitation: string }).invitation;
}

/** Machines that joined a hive with an invitation each; they end when they are disposed of. */
export interface Joined extends AsyncDisposable {
  readonly count: number;
  /** Their processes. */
  readonly pids: readonly number[];
}

/** Has machines join over the mesh on loopback, one slot each. */
export async function joinMachines(hive: HiveProcess, count: number): Promise<Joined> {
  const place = await temporaryPlace();
  const machines: Child[] = [];
  for (let at = 0; at < count; at += 1) {
    const file = join(place.path, `invitation-${at}`);
    await writeFile(file, `${await invitation(hive.ready.home)}\n`, { mode: 0o600 });
    const folder = join(place.path, `machine-${at}`);
    const args = ["join", "--from", file, "--worker-home", folder, "--name", `machine-${at}`, "--slots", "1"];
    machines.push(new Child(process.execPath, [...process.execArgv, main, ...args]));
  }
  return {
    count,
    pids: machines.map(({ pid }) => pid),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(machines.map((machine) => machine[Symbol.asyncDispose]()));
      await place[Symbol.asyncDispose]();
    },
  };
}

/** A hive whose mesh listens on loopback, and that has no workers of its own. */
export async function startMeshHive(): Promise<HiveProcess> {
  return await startHive(["--mesh", "127.0.0.1:0"]);
}
