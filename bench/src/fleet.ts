import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { heldContent, outcomeOf, submit } from "@skep/app-skep";
import type { Client } from "@skep/ninep";
import { createSigner, type Signer } from "@skep/receipt";
import type { HiveProcess } from "./hive.ts";
import { spentBy } from "./process.ts";

const moduleFile = fileURLToPath(new URL("../../examples/modules/reverse.wasm", import.meta.url));
const input = heldContent(Buffer.from("Hello, World"));
/** Workers of a fleet. */
export const workers = 2;
/** Jobs at a time where many are. */
export const inFlight = 16;

type Module = ReturnType<typeof heldContent>;

/** What one job takes: from its signed manifest to its receipt, verified against the worker's key and the output. */
async function perform(client: Client, signer: Signer, module: Module, fresh: boolean): Promise<void> {
  const wish = { args: [], env: {}, fresh };
  const taken = await submit({ client, signer, module, stdin: input, wish, now: Date.now() });
  const outcome = await outcomeOf(client, taken, { module: module.digest });
  if (!outcome.verified || String(outcome.stdout) !== "dlroW ,olleH")
    throw new Error(`job ${taken.job} ${outcome.status.state}: ${outcome.why || String(outcome.stdout)}`);
}

async function attached(client: Client, expected: number): Promise<void> {
  for (let left = 400; ; left -= 1) {
    const present = await Promise.all(
      (await client.readdir("/worker")).map(async ({ name }) =>
        JSON.parse(String(await client.readAll(`/worker/${name}/info.json`))),
      ),
    );
    if (present.filter((worker) => worker.present === true).length >= expected) return;
    if (left === 0) throw new Error("the workers did not attach");
    await sleep(25);
  }
}

/** A hive with workers, and who hands in work. */
export interface Fleet extends AsyncDisposable {
  readonly hive: HiveProcess;
  readonly clients: readonly Client[];
  readonly signer: Signer;
  readonly module: Module;
}

/** Times of jobs that are handed in one after the other, milliseconds; with a pause, their processes can be replaced. */
export async function oneByOne(
  { clients, signer, module }: Fleet,
  fresh: boolean,
  count: number,
  pauseMs = 0,
): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    if (pauseMs > 0) await sleep(pauseMs);
    const began = performance.now();
    await perform(clients[0] as Client, signer, module, fresh);
    times.push(performance.now() - began);
  }
  return times;
}

/** Jobs per second with some in flight, and what the daemon spends on each, milliseconds. */
export async function many(
  fleet: Fleet,
  fresh: boolean,
  lasts: number,
): Promise<{ rate: number; daemon: number }> {
  const { hive, clients, signer, module } = fleet;
  const began = performance.now();
  const before = spentBy(hive.pid).all;
  let count = 0;
  const lane = async (at: number): Promise<void> => {
    while (performance.now() - began < lasts) {
      await perform(clients[at % clients.length] as Client, signer, module, fresh);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, at) => lane(at)));
  const wall = performance.now() - began;
  return { rate: (count / wall) * 1000, daemon: (spentBy(hive.pid).all - before) / count };
}

/** Makes daemon and workers warm: the engine compiles their path of a job over the first couple of thousand jobs. */
export async function warm(fleet: Fleet, fresh: boolean, tell: (text: string) => void): Promise<void> {
  tell(`${fresh ? "fresh" : "shared"}: getting warm`);
  for (let at = 0; at < (fresh ? 2 : 5); at += 1) await many(fleet, fresh, 2500);
}

/** Waits until the workers of a hive are there, and connects four times. */
export async function fleetOf(hive: HiveProcess): Promise<Fleet> {
  const clients = await Promise.all(Array.from({ length: 4 }, () => hive.owner()));
  await attached(clients[0] as Client, workers);
  const signer = createSigner(await readFile(join(hive.ready.home, "keys", "identity")));
  const module = heldContent(await readFile(moduleFile));
  return {
    hive,
    clients,
    signer,
    module,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}
