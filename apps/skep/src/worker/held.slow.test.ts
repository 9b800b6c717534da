import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Client } from "@skep/ninep";
import { connect, homeTarget } from "../client/connect.ts";
import { LocalWorkers } from "../hive/workers.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const reverse = fileURLToPath(new URL("../../../../examples/modules/reverse.wasm", import.meta.url));

let hive: TestHive;
let workers: LocalWorkers;
let client: Client;

before(async () => {
  hive = await startTestHive();
  workers = new LocalWorkers(hive.hive, () => undefined);
  await workers.start(2);
  client = await connect(homeTarget(hive.home));
});
after(async () => {
  await client.close();
  await workers[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function json<T>(path: string): Promise<T | undefined> {
  const text = await client.readAll(path).catch(() => undefined);
  return text && (JSON.parse(String(text)) as T);
}

async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await turn();
  }
}

interface Info {
  readonly present: boolean;
  readonly incarnation: string;
  readonly key: string;
}
const infoOf = (at: number, other = ""): Promise<Info> =>
  eventually(async () => {
    const info = await json<Info>(`/worker/${workers.ids[at]}/info.json`);
    return info?.present === true && info.incarnation !== other ? info : undefined;
  });

/** The process of one of the workers. */
function pidOf(at: number): number {
  const place = join("workers", String(at));
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "),
  );
  const words = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  const found = children.find((pid) => pid !== "" && words(pid).some((word) => word.endsWith(place)));
  assert.ok(found, `no process of worker ${at}`);
  return Number(found);
}

/** Makes one of the workers another owner's, as if it had joined with an invitation. */
async function lend(at: number, owner: string): Promise<void> {
  const { kernel, owner: session } = hive.hive;
  const worker = workers.ids[at] ?? "";
  const { key } = await infoOf(at);
  const { result } = await session.append("/net/ctl", { op: "invite", class: "borrowed", owner });
  const { invite } = result as { readonly invite: string };
  const data = { invite, worker, box: "0".repeat(64), name: owner, key };
  kernel.system("peers", "/net/join", { op: "redeem" }, () => ({ events: [{ type: "redeemed@1", data }] }));
}

/** What the journal tells of a job and one of the workers, in order. */
async function toldOf(job: string, worker: string | undefined): Promise<string[]> {
  const { journal } = hive.hive.kernel;
  const told: string[] = [];
  for await (const { events } of journal.records(Number(job)))
    for (const { t, d } of events) {
      const of = d as Record<string, unknown>;
      if (of.job === job && of.worker === worker) told.push(t);
    }
  return told;
}

interface Verdict {
  readonly replicas: readonly { readonly worker: string; readonly verdict: string; readonly try: number }[];
}

const committed = "jobs:committed@1";

test("the answer that a killed worker had committed to is told by its next process, and its job does not run again", async () => {
  await lend(0, "ann");
  await lend(1, "ben");
  const { incarnation } = await infoOf(0);
  await infoOf(1);
  process.kill(pidOf(1), "SIGSTOP");
  const argv = ["run", "--detach", "--replicas", "2", "--quorum", "2", reverse];
  const job = (await hive.skep(argv, { input: ["Hello"] })).out.trim();
  const spool = join(hive.home, "workers", "0", "spool");
  const held = await eventually(async () => readdirSync(spool).find((name) => name.endsWith(".held")));
  assert.equal(held.split("-")[0], job);
  // What dies before the hive has heard the commitment promised nothing: then the job runs anew, here or elsewhere.
  await eventually(async () => ((await toldOf(job, workers.ids[0])).includes(committed) ? true : undefined));
  process.kill(pidOf(0), "SIGKILL");
  const next = await infoOf(0, incarnation);
  assert.notEqual(next.incarnation, incarnation);
  assert.ok(readdirSync(spool).includes(held));
  process.kill(pidOf(1), "SIGCONT");
  const told = await eventually(async () => {
    const status = await json<Record<string, unknown>>(`/jobs/${job}/status.json`);
    return status?.state === "running" || status?.state === "queued" ? undefined : status;
  });
  assert.deepEqual([told.state, told.verified], ["done", "yes"]);
  const { replicas } = JSON.parse(String(await client.readAll(`/jobs/${job}/receipt`))) as Verdict;
  const seats = replicas.map(({ worker, verdict }) => `${workers.ids.indexOf(worker)} ${verdict}`);
  assert.deepEqual(seats.toSorted(), ["0 agreed", "1 agreed"]);
  // The other one was stopped so long that it may have had it twice; this one told what it held, and had it no more.
  const acts = (await toldOf(job, workers.ids[0])).filter((type) => type !== "jobs:settled@1");
  assert.deepEqual(acts.slice(acts.indexOf(committed)), [committed, "jobs:revealed@1"]);
  const own = replicas.find(({ worker }) => worker === workers.ids[0]);
  assert.equal(held, `${job}-${own?.try}.held`);
  await eventually(async () => (readdirSync(spool).length === 0 ? true : undefined));
});
