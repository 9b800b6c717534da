import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { countOf } from "@skep/owner";
import type { Client } from "@skep/ninep";
import { createRoot, mint } from "@skep/ticket";
import { workerRights } from "../access/grants.ts";
import { connect, homeTarget } from "../client/connect.ts";
import { replacePrivate } from "../client/files.ts";
import { homeKey } from "../hive/keys.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";
import { type OpenWorker, openWorker } from "../worker/program.ts";
import { readBook, readState } from "./folder.ts";
import { treeOf } from "./proc.ts";
import { fileMachine, seen, startHog } from "./testing.ts";
import { loadConfig } from "../config/mod.ts";

const loop = fileURLToPath(new URL("../../../../examples/modules/misbehaving/loop.wasm", import.meta.url));
const rules = `
[when]
idle = "800ms"
[stop]
cpu = 10
memory_pressure = 20
temperature = 80
battery = true
programs = ["nothing-of-that-name"]
[react]
rest = "100ms"
grace = "3s"
quiet = "800ms"
[caps]
cpu = 90
memory = "2 GiB"
`;

const machine = fileMachine();
let hive: TestHive;
let client: Client;
let worker: OpenWorker;
let working: Promise<void>;
let folder: string;
let id: string;

async function makeTicket(): Promise<void> {
  const { publicKey } = homeKey(join(folder, "identity"));
  id = `w-${publicKey.slice(0, 12)}`;
  const token = await mint(createRoot(hive.hive.keys.ticket.key), {
    subject: id,
    role: "worker",
    hive: hive.hive.keys.hive,
    rights: workerRights(id),
    issuedAt: hive.hive.kernel.time.now(),
  } as never);
  replacePrivate(join(folder, "ticket"), token);
}

const stateOf = () => readState(folder);
const reaches = (state: string, rule?: string) =>
  seen(`${state} ${rule ?? ""}`, () => {
    const found = stateOf();
    const isIt = found?.state === state && (rule === undefined || found.reasons[0]?.rule === rule);
    return isIt ? found : undefined;
  });

/** Processor time of what runs modules, ticks: only a module that runs makes it grow. */
function progress(): number {
  return treeOf("/proc", [process.pid])
    .filter((pid) => pid !== process.pid)
    .map((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("--permission")) return 0;
        const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
        return Number(fields[11]) + Number(fields[12]);
      } catch {
        return 0;
      }
    })
    .reduce((sum, ticks) => sum + ticks, 0);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const runs = async () => {
  const from = progress();
  await seen("progress", () => (progress() > from + 5 ? true : undefined));
};
const stands = async () => {
  const from = progress();
  await pause(300);
  // Those that ran nothing may have been ended meanwhile.
  assert.ok(progress() <= from);
};
const status = async (job: string): Promise<Record<string, unknown>> =>
  JSON.parse(String(await client.readAll(`/jobs/${job}/status.json`)));
const textOf = async (path: string): Promise<string> => String(await client.readAll(path));

async function startWorker(): Promise<void> {
  worker = await openWorker({
    dial: (ticket) => connect({ ...homeTarget(hive.home), aname: ticket }),
    workerHome: folder,
    values: loadConfig({ home: hive.home, env: {}, flags: {} }).values,
    slots: 1,
    strangers: [],
    log: () => undefined,
    sources: machine.sources,
  });
  working = worker.worker.run();
}

let job: string;
before(async () => {
  hive = await startTestHive();
  client = await connect(homeTarget(hive.home));
  folder = join(hive.dir, "worker");
  await makeTicket();
  replacePrivate(join(folder, "owner.toml"), rules);
  await startWorker();
  // Nobody knows when somebody was here before: at first the machine is its owner's.
  await reaches("run");
  const argv = ["run", "--detach", "--time", "300s", "--fuel", "9000000000000000", loop];
  job = (await hive.skep(argv)).out.trim();
  await runs();
});
after(async () => {
  await worker.worker.stop();
  await worker[Symbol.asyncDispose]();
  await working;
  await client.close();
  await hive[Symbol.asyncDispose]();
  machine[Symbol.dispose]();
});

test("a key freezes work before its presser could notice, the hive sees why and places nothing, then it goes on", async () => {
  const counted = countOf(readBook(folder).fromEvent);
  machine.touch();
  const state = await reaches("freeze", "input");
  await stands();
  const told = await seen("the hive's view", async () => {
    const text = await textOf(`/worker/${id}/owner`);
    return text.startsWith("state=freeze\n") ? text : undefined;
  });
  assert.match(told, /^why\.input=somebody was here/m);
  assert.match(told, /^rule\.cpu=10$/m);
  const other = (await hive.skep(["run", "--detach", loop])).out.trim();
  assert.equal((await status(other)).state, "queued");
  await hive.skep(["cancel", other]);
  assert.equal(state.stopped?.seen ?? true, true);
  await reaches("run");
  await runs();
  assert.deepEqual([(await status(job)).state, (await status(job)).tries], ["running", 1]);
  assert.equal(countOf(readBook(folder).fromEvent), counted + 1);
});

test("the hive cannot write the rules", async () => {
  await assert.rejects(client.append(`/worker/${id}/owner`, "state=run"));
  await assert.rejects(client.append(`/worker/${id}/ctl`, '{"op":"owner","state":"run","since":0}'));
});

test("a real process that needs the processor freezes work until it is gone", async () => {
  let all = 1000;
  let last = 0;
  let busy = 0;
  let began = performance.now();
  const hog = startHog();
  // The machine's own figures hold whatever else runs here: only the hog's real time is let into them.
  const timer = setInterval(() => {
    const now = performance.now();
    all += Math.round((now - began) / 10);
    began = now;
    const ticks = hog.ticks();
    busy += ticks - last;
    last = ticks;
    machine.ticks(all, busy);
  }, 50);
  try {
    await reaches("freeze", "cpu");
    await stands();
  } finally {
    clearInterval(timer);
    hog[Symbol.dispose]();
    machine.ticks(all + 1000, busy);
  }
  await reaches("run");
  await runs();
});

const causes: [name: string, rule: string, on: () => void, off: () => void][] = [
  ["heat", "temperature", () => machine.degrees(91), () => machine.degrees(60)],
  ["the loss of mains", "battery", () => machine.mains(false), () => machine.mains(true)],
];
for (const [name, rule, on, off] of causes)
  test(`${name} freezes work until it is over`, async () => {
    on();
    await reaches("freeze", rule);
    await stands();
    off();
    await reaches("run");
    await runs();
  });

test("who stays gets the memory too: after the grace the job is given back, and comes again when all is quiet", async () => {
  const somebody = setInterval(() => machine.touch(), 200);
  try {
    await reaches("give-back", "input");
    const back = await seen("the job back in the queue", async () => {
      const found = await status(job);
      return found.state === "queued" ? found : undefined;
    });
    assert.equal(back.tries, 1);
    await seen("no process left", () => (progress() === 0 ? true : undefined));
  } finally {
    clearInterval(somebody);
  }
  await reaches("run");
  const again = await seen("the second try", async () => {
    const found = await status(job);
    return found.state === "running" ? found : undefined;
  });
  assert.equal(again.tries, 2);
  await runs();
});

test("rules that are saved wrong stop work and say where; right again, it goes on", async () => {
  writeFileSync(join(folder, "owner.toml"), `${rules}\n[stopp]\n`);
  const broken = await reaches("paused", "rules");
  assert.match(broken.reasons[0]?.text ?? "", /owner\.toml:\d+:1: stopp is no rule \(Did you mean stop\?\)/);
  writeFileSync(join(folder, "owner.toml"), rules);
  await reaches("run");
});

test("skep pause and resume need no hive, and last over a restart of the worker", async () => {
  await client.close();
  await hive.stop();
  const here = ["--worker-home", folder];
  const said = await hive.skep(["pause", ...here]);
  assert.match(said.out, /^paused: /);
  assert.equal(stateOf()?.state, "paused");
  await worker.worker.stop();
  await worker[Symbol.asyncDispose]();
  await working;
  await startWorker();
  assert.equal(stateOf()?.reasons[0]?.rule, "pause");
  assert.equal((await hive.skep(["resume", ...here])).code, 0);
  await reaches("run");
  // Its processes have only begun to start again.
  assert.match((await hive.skep(["pause", ...here])).out, /^paused: /);
  const { stopped } = stateOf() ?? {};
  assert.ok(stopped?.seen === true && stopped.ms < 1000, JSON.stringify(stopped));
  assert.equal((await hive.skep(["resume", ...here])).code, 0);
  await reaches("run");
});

test("skep owner shows rules, state, latency and statement; the page holds the same", async () => {
  const here = ["--worker-home", folder];
  const shown = await hive.skep(["owner", ...here]);
  assert.match(shown.out, /^ {2}run for /m);
  assert.match(shown.out, /cpu = 10/);
  assert.match(shown.out, /^ {4}input: \d+ times/m);
  const told = JSON.parse((await hive.skep(["owner", "--json", ...here])).out);
  const [month] = Object.values(told.statements) as [
    Record<string, Record<string, { times: number; ms: number }>>,
  ];
  for (const rule of ["input", "cpu", "temperature", "battery"])
    assert.ok((month.stops?.[rule]?.ms ?? 0) > 0, rule);
  const page = (await hive.skep(["owner", "--html", "-", ...here])).out;
  assert.match(page, /What this machine lends/);
  assert.match(page, /<td>input<\/td>/);
  assert.ok(!page.includes("<script"));
  const { latency_ms: latency, from_event_ms: fromEvent } = told;
  console.log(`freeze: ${JSON.stringify({ ...latency, counts: undefined, bounds_ms: undefined })}`);
  console.log(`from the event: ${JSON.stringify({ ...fromEvent, counts: undefined, bounds_ms: undefined })}`);
});
