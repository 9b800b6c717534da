import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseInvite } from "@skep/invite";
import { finishWipe, markWipe } from "./wipe.ts";
import { Machine, endOf, type Running, until } from "../testing/machine.ts";
import { formsOf, found, hayBelow, processesBelow, secretsBelow, strayed } from "../testing/secrets.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-secrets-"));
const hive = new Machine(join(dir, "here"));
let mesh = { port: 0, peer: "" };
let daemon: Running;

before(async () => {
  daemon = await hive.up("--mesh", "127.0.0.1:0");
  ({ mesh } = JSON.parse(daemon.out.split("\n", 1)[0] ?? ""));
});
after(async () => {
  await hive[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

test("no ticket, key or invitation is in any log, journal, environment, argument or crash output", async () => {
  const line = await hive.invitation();
  const worker = hive.join(line, "desk");
  await until(
    async () => (await hive.nodes()).find(({ state }) => state === "present"),
    () => worker.err,
  );
  const job = hive.job("mandelbrot", "1000", "800", "2000");
  await until(
    async () => (await hive.jobs()).find(({ state }) => state === "running"),
    () => "no job runs",
  );
  const invited = parseInvite(line, Date.now());
  const given = new Map([
    ["the invitation", [Buffer.from(line.trim())]],
    ["the invitation's ticket", [Buffer.from(invited.ticket)]],
    ...secretsBelow(dir),
  ]);
  const names = [...given.keys()].join();
  for (const name of [/worker\/ticket/, /worker\/identity/, /owner\.ticket/, /keys\//])
    assert.match(names, name);
  const processes = processesBelow(worker.child.pid ?? 0, processesBelow(daemon.child.pid ?? 0));
  assert.ok(processes.size >= 6, [...processes.keys()].join());
  // While it runs, and after a crash of each, with what it said then.
  assert.deepEqual(strayed(dir, [], given).stray, []);
  assert.equal((await endOf(job)).verified, true);
  worker.child.kill("SIGABRT");
  await worker.ended;
  daemon.child.kill("SIGABRT");
  await daemon.ended;
  // What an invitation is asked for is told to who asks, and to nobody else.
  const said = hive.said.filter(({ out }) => !out.includes(line.trim()));
  assert.equal(said.length, hive.said.length - 1);
  const { places, stray } = strayed(dir, said, given);
  assert.ok(places > 10, `${places} places`);
  assert.deepEqual(stray, []);
  // The scan sees what is there.
  assert.notDeepEqual(found(hayBelow(dir), given), []);
  daemon = await hive.up("--mesh", `127.0.0.1:${mesh.port}`);
});

/** What the hive gave to a machine, in the forms in which it may lie there. */
function given(line: string, folder: string): Map<string, readonly Buffer[]> {
  const { hive: name, hiveKey, ticket } = parseInvite(line, Date.now());
  const module = readFileSync(new URL("../../../../examples/modules/sha256.wasm", import.meta.url));
  return new Map([
    ["the invitation's ticket", [Buffer.from(ticket)]],
    ["the ticket", [Buffer.from(readFileSync(join(folder, "ticket"), "utf8").trim())]],
    ["the hive's name", [Buffer.from(name)]],
    ["the hive's key", [...formsOf(Buffer.from(hiveKey, "hex")), Buffer.from(mesh.peer)]],
    ["its address", [Buffer.from(`/tcp/${mesh.port}`)]],
    ["a module", [module.subarray(0, 256), Buffer.from(createHash("sha256").update(module).digest("hex"))]],
  ]);
}

async function member(name: string): Promise<{ machine: Machine; needles: Map<string, readonly Buffer[]> }> {
  const machine = new Machine(join(dir, name));
  const line = await hive.invitation();
  const worker = machine.join(line, name);
  await until(
    async () => (await hive.nodes()).find((row) => row.name === name && row.state === "present"),
    () => worker.err,
  );
  const ran = await endOf(hive.job("sha256"));
  assert.equal(ran.exit, 0, JSON.stringify(ran));
  const needles = given(line, machine.worker);
  assert.ok(found(hayBelow(machine.worker), needles).length >= 4, "it holds what is looked for");
  return { machine, needles };
}

const leave = (machine: Machine) => ["leave", "--yes", "--forget", "--worker-home", machine.worker];

test("after leave a search of the machine's disk finds nothing that the hive gave", async () => {
  const { machine, needles } = await member("leaver");
  const left = await machine.run(leave(machine));
  assert.equal(left.code, 0, left.err);
  assert.deepEqual(found(hayBelow(machine.dir), needles), []);
  await machine[Symbol.asyncDispose]();
});

const cuts = [
  [350, "worker"],
  [1100, "leave"],
] as const;
for (const [ms, next] of cuts)
  test(`leave is killed -9 after ${ms} ms, and the next \`skep ${next}\` leaves nothing that the hive gave`, async () => {
    const { machine, needles } = await member(`killed-${ms}`);
    const cut = machine.start(leave(machine));
    await new Promise((resolve) => setTimeout(resolve, ms));
    await cut.end("SIGKILL");
    await machine[Symbol.asyncDispose]();
    const work = ["worker", "--worker-home", machine.worker, "--isolation", "off"];
    // Before its mark was made nothing was begun: the machine is a member still.
    const begun = existsSync(join(machine.worker, "leaving"));
    const ended = await machine.run(begun && next === "worker" ? work : leave(machine));
    assert.deepEqual(found(hayBelow(machine.dir), needles), [], `${ended.out}${ended.err}`);
  });

test("a wipe that was cut short anywhere is ended by whatever starts next", () => {
  const files = ["ticket", "ticket.7.new", "hive.json", "hive.json.7.new", "join-box", "join-box.7.0a1b2c3d"];
  for (let left = 0; left < 2 ** files.length; left += 1) {
    const folder = mkdtempSync(join(dir, "cut-"));
    mkdirSync(join(folder, "cache"));
    writeFileSync(join(folder, "cache", "blob"), "x");
    for (const name of ["identity", "secrets-are-mine", "ticket-office"])
      writeFileSync(join(folder, name), "x");
    for (const [at, name] of files.entries()) if (left & (1 << at)) writeFileSync(join(folder, name), "x");
    markWipe(folder, false);
    assert.equal(finishWipe(folder), true);
    assert.deepEqual(readdirSync(folder).sort(), ["identity", "secrets-are-mine", "ticket-office"]);
    assert.equal(finishWipe(folder), false);
    rmSync(folder, { recursive: true });
  }
});
