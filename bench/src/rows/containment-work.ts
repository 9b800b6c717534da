import type { Client } from "@skep/ninep";
import { attach, type HiveProcess } from "../hive.ts";

/** The worker that stands for all: it does nothing with its job. */
const id = "w-bench";
const rounds = 3;

const json = async (client: Client, path: string): Promise<unknown> =>
  JSON.parse((await client.readAll(path)).toString());

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; ) if (await holds()) return;
  throw new Error(`it never came to this: ${what}`);
}

async function worker(hive: HiveProcess, incarnation: string): Promise<Client> {
  const rights = ["/worker", "/jobs", "/cas"].map((path) => ({ path, verb: "rw" as const }));
  const client = await attach({ path: hive.ready.socket }, await hive.ticket(id, "worker", rights));
  const hello = { op: "hello", slots: 1, kinds: ["task"], incarnation };
  await client.append(`/worker/${id}/ctl`, JSON.stringify(hello));
  return client;
}

async function running(owner: Client): Promise<string> {
  const line = JSON.stringify({ op: "submit", run: { kind: "task", name: "add" } });
  const file = await owner.open("/jobs/ctl", "readWrite");
  await file.read(0, 1);
  await file.write(Buffer.from(`${line}\n`));
  const { result } = JSON.parse(Buffer.from(await file.read(0, file.iounit)).toString()) as {
    readonly result: { readonly job: string };
  };
  await file.close();
  return result.job;
}

const stateOf = async (owner: Client, job: string): Promise<string> =>
  String(((await json(owner, `/jobs/${job}/status.json`)) as { readonly state: string }).state);

/** Acts that a machine feels by its inbox, and what its line says of it. */
const felt = {
  "quarantine of a class": { op: "quarantine", class: "task/add" },
  "freeze of a worker": { op: "freeze", worker: id },
  "revocation of a machine": { op: "revoke", node: id },
} as const;

/** Until the machine was told to stop, or was cut off. */
async function told(client: Client, job: string): Promise<void> {
  await until(async () => {
    try {
      return (await client.readAll(`/worker/${id}/inbox`)).toString().includes(`"cancel":"${job}"`);
    } catch {
      return true;
    }
  }, "the worker hears of it");
}

/** Milliseconds from the line of each act to the machine that runs what it is about, while sessions keep reading. */
export async function workTimes(
  hive: HiveProcess,
  owner: Client,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const times: Record<string, number[]> = {};
  const contain = (line: object) => owner.append("/policy/contain", JSON.stringify(line));
  for (const [name, line] of Object.entries(felt)) {
    const made: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const client = await worker(hive, `bench-${name.length}-${round}`.replace(/\W/g, "0").padEnd(8, "0"));
      const job = await running(owner);
      await until(async () => (await stateOf(owner, job)) === "running", "the job runs");
      const began = performance.now();
      await contain({ ...line, reason: "bench" });
      await told(client, job);
      made.push(performance.now() - began);
      await owner.append("/jobs/ctl", JSON.stringify({ op: "cancel", job }));
      for (const { ban } of (await json(owner, "/policy/bans.json")) as { readonly ban: string }[])
        await contain({ op: "lift", ban });
      await client.close().catch(() => undefined);
    }
    times[name] = made;
  }
  return times;
}

const module = "7".repeat(64);

/** Whether a module is refused because it is in quarantine. */
async function isRefused(owner: Client): Promise<boolean> {
  const manifest = { payload: { kind: "wasm", module_cid: `sha256:${module}` } };
  await using file = await owner.open("/jobs/ctl", "readWrite");
  await file.read(0, 1);
  await file.write(Buffer.from(`${JSON.stringify({ op: "submit", manifest })}\n`)).catch(() => undefined);
  const { code } = JSON.parse(Buffer.from(await file.read(0, file.iounit)).toString()) as { code?: string };
  return code === "containment.quarantined";
}

/** Whether a job that comes waits because all workers are drained. */
async function isHeldBack(owner: Client): Promise<boolean> {
  const job = await running(owner);
  const why = (await owner.readAll(`/jobs/${job}/why`)).toString();
  await owner.append("/jobs/ctl", JSON.stringify({ op: "cancel", job }));
  return /frozen or drained/.test(why);
}

/** Acts that whoever hands in work feels, and how. */
const refusing = {
  "quarantine of a module": [{ op: "quarantine", module }, isRefused],
  "drain of all workers": [{ op: "drain", worker: "*" }, isHeldBack],
} as const;

/** Milliseconds from the line of each act until work that comes is refused, or waits, because of it. */
export async function refusalTimes(
  hive: HiveProcess,
  owner: Client,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const times: Record<string, number[]> = {};
  const present = await worker(hive, "bench-present");
  for (const [name, [line, holds]] of Object.entries(refusing)) {
    const made: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const began = performance.now();
      await owner.append("/policy/contain", JSON.stringify({ ...line, reason: "bench" }));
      await until(() => holds(owner), `${name} is felt`);
      made.push(performance.now() - began);
      for (const { ban } of (await json(owner, "/policy/bans.json")) as { readonly ban: string }[])
        await owner.append("/policy/contain", JSON.stringify({ op: "lift", ban }));
    }
    times[name] = made;
  }
  await present.close().catch(() => undefined);
  return times;
}
