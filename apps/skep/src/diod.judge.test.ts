// The clients of diod, which we did not write, against the real daemon over TCP with a ticket.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { mintTicket } from "./access/tickets.ts";
import { startTestHive, type TestHive } from "./testing/hive.ts";

const bin = "/usr/sbin/";
const skip = existsSync(`${bin}diodls`) ? false : "diod's clients are not installed (apt-get install diod)";
const run = promisify(execFile);

let hive: TestHive;
const tickets = { queen: "", narrow: "" };

async function diod(program: string, aname: string, ...args: string[]): Promise<string> {
  const { host, port } = hive.at["9p"] ?? {};
  const words = ["-s", `${host}:${port}`, "-a", aname, ...args];
  const { stdout } = await run(bin + program, words, { timeout: 30_000 });
  return stdout;
}

before(async () => {
  if (skip) return;
  hive = await startTestHive();
  const now = hive.hive.kernel.time.now();
  const minted = (rights?: { path: string; verb: string }[]) =>
    mintTicket(hive.home, now, { role: "queen", subject: "ann", ...(rights && { rights }) });
  tickets.queen = await minted();
  tickets.narrow = await minted([{ path: "/proc/lifecycle", verb: "read" }]);
  await hive.hive.owner.append("/queen/ctl", { spawn: "heartbeat", ticks: 100 });
});
after(async () => {
  await hive?.[Symbol.asyncDispose]();
});

test("diodls lists the root, a provider's directory and an entity", { skip }, async () => {
  const root = (await diod("diodls", tickets.queen, "/")).split("\n");
  for (const name of ["proc", "queen", "worker", "jobs", "audit", "log"])
    assert.ok(root.includes(name), name);
  const worker = (await diod("diodls", tickets.queen, "/worker/worker-1")).split("\n");
  for (const name of ["info", "telemetry", "spawn"]) assert.ok(worker.includes(name), name);
  assert.match(await diod("diodls", tickets.queen, "-l", "/queen"), /^-rw-------\. .* ctl$/m);
});

test("diodcat reads texts, twins that are not listed, streams and the log's checkpoint", {
  skip,
}, async () => {
  const cat = (...paths: string[]) => diod("diodcat", tickets.queen, ...paths);
  assert.equal(await cat("proc/lifecycle/state"), "state=ONLINE\n");
  assert.equal(JSON.parse(await cat("worker/worker-1/spawn.json")).kind, "heartbeat");
  assert.match(await cat("log/queen.log"), /spawned worker-1\n$/);
  assert.match(await cat("audit/journal"), /"path":"\/queen\/ctl"/);
  assert.match(await cat("audit/checkpoint"), /\n\d+\n[A-Za-z0-9+/=]{44}\n\n— /);
});

test("a ticket or a sub-tree of it is all that diod's clients see", { skip }, async () => {
  assert.equal(await diod("diodls", tickets.narrow, "/"), "proc\n");
  assert.match(await diod("diodls", `${tickets.queen}:/proc/lifecycle`, "/"), /^state\n/);
  await assert.rejects(diod("diodcat", tickets.narrow, "queen/ctl"), /No such file or directory/);
  await assert.rejects(diod("diodls", "nonsense", "/"), /Permission denied/);
  await assert.rejects(diod("diodls", "", "/"), /Permission denied/);
});
