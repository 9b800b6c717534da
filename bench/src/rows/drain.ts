import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { heldContent, submitArray } from "@skep/app-skep";
import type { Client } from "@skep/ninep";
import { createSigner } from "@skep/receipt";
import { workers } from "../fleet.ts";
import { joinMachines, startMeshHive } from "../joined.ts";
import { residentOf, spentBy } from "../process.ts";
import type { Bench } from "../row.ts";

const moduleFile = fileURLToPath(new URL("../../../examples/modules/reverse.wasm", import.meta.url));
const count = 10_000;

interface Counts {
  readonly state: string;
  readonly done: number;
  readonly failed: number;
  readonly ended_ms: number | null;
}

async function ended(client: Client, array: string): Promise<Counts> {
  for (let left = 4000; left > 0; left -= 1) {
    const counts = JSON.parse(String(await client.readAll(`/jobs/${array}/status.json`))) as Counts;
    if (counts.ended_ms !== null) return counts;
    await sleep(100);
  }
  throw new Error(`array ${array} did not end`);
}

/** Ten thousand tiny jobs wait before any machine is there; then two join and do them. */
export const drain: Bench = {
  name: "drain",
  async run(tell) {
    await using hive = await startMeshHive();
    const client = await hive.owner();
    const signer = createSigner(await readFile(join(hive.ready.home, "keys", "identity")));
    const module = heldContent(await readFile(moduleFile));
    const inputs = Array.from({ length: count }, (_, at) => ({
      name: String(at),
      bytes: async () => Buffer.from(`input ${at}`),
    }));
    const wish = { args: [], env: {} };
    tell(`${count} jobs are handed in`);
    const began = performance.now();
    const given = (): void => undefined;
    const array = await submitArray({ client, signer, module, inputs, wish, now: Date.now, given });
    const handed = performance.now() - began;
    const resident = residentOf(hive.pid);
    tell(`${workers} machines join`);
    const before = spentBy(hive.pid).all;
    await using _machines = await joinMachines(hive, workers);
    const from = performance.now();
    const counts = await ended(client, array);
    const took = performance.now() - from;
    if (counts.done !== count) throw new Error(`${counts.failed} of ${count} jobs failed`);
    const spent = spentBy(hive.pid).all - before;
    await client.close();
    return [
      { name: `array of ${count}: handed in`, unit: "s", runs: [handed / 1000] },
      { name: `array of ${count}, queued: memory of the daemon`, unit: "MB", runs: [resident] },
      {
        name: `array of ${count}: drained by ${workers} machines that joined meanwhile, none failed`,
        unit: "/s",
        runs: [(count / took) * 1000],
      },
      { name: "drained: processor time of the daemon for a job", unit: "ms", runs: [spent / count] },
    ];
  },
};
