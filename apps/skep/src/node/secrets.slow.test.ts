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
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { parseInvite } from "@skep/invite";
import { finishWipe, markWipe } from "./wipe.ts";
import { Machine, endOf, type Running, until } from "../testing/machine.ts";

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

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** A secret in every form in which it may have been written. */
function formsOf(secret: Buffer): Buffer[] {
  const texts = [secret.toString("hex"), secret.toString("base64"), secret.toString("base64url")];
  return [secret, ...texts.map((text) => Buffer.from(text.replace(/=+$/, "")))];
}

/** Where which of the needles stands. */
function found(hay: ReadonlyMap<string, Buffer>, needles: ReadonlyMap<string, readonly Buffer[]>): string[] {
  return [...hay].flatMap(([where, bytes]) =>
    [...needles]
      .filter(([, forms]) => forms.some((form) => bytes.includes(form)))
      .map(([what]) => `${what} in ${where}`),
  );
}

const hayBelow = (folder: string): Map<string, Buffer> =>
  new Map([...filesBelow(folder)].map((path) => [relative(dir, path), readFileSync(path)]));

/** Environment and words of a process and of all that it started. */
function processesBelow(pid: number, into = new Map<string, Buffer>()): Map<string, Buffer> {
  for (const name of ["environ", "cmdline"])
    try {
      into.set(`/proc/${pid}/${name}`, readFileSync(`/proc/${pid}/${name}`));
    } catch {
      // It has ended meanwhile, or is another user's.
    }
  for (const thread of existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [])
    for (const child of readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" "))
      if (child.trim() !== "") processesBelow(Number(child), into);
  return into;
}

/** Files that hold secrets because they have to; each is for its owner alone. */
const holders = [/^here\/hive\/keys\//, /^here\/hive\/owner\.ticket$/, /^here\/worker\/(ticket|identity)$/];

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
  const processes = new Map([
    ...processesBelow(worker.child.pid ?? 0),
    ...processesBelow(daemon.child.pid ?? 0),
  ]);
  assert.equal((await endOf(job)).verified, true);
  const secret = (path: string) => readFileSync(join(dir, path));
  const invited = parseInvite(line, Date.now());
  const needles = new Map<string, readonly Buffer[]>([
    ["the invitation", [Buffer.from(line.trim())]],
    ["the invitation's ticket", [Buffer.from(invited.ticket)]],
    ["the machine's ticket", [Buffer.from(secret("here/worker/ticket").toString().trim())]],
    ["the machine's key", formsOf(secret("here/worker/identity"))],
    ["the owner's ticket", [Buffer.from(secret("here/hive/owner.ticket").toString().trim())]],
  ]);
  for (const path of filesBelow(join(hive.home, "keys")))
    if (readFileSync(path).length === 32) needles.set(relative(dir, path), formsOf(readFileSync(path)));
  assert.ok(needles.size >= 7, [...needles.keys()].join());
  // A crash of each: what it says then is scanned too.
  worker.child.kill("SIGABRT");
  await worker.ended;
  daemon.child.kill("SIGABRT");
  await daemon.ended;
  const said = [worker, daemon].map(({ out, err }, at) => [`output ${at}`, Buffer.from(out + err)] as const);
  const files = [...hayBelow(dir)].filter(([path]) => !holders.some((holder) => holder.test(path)));
  assert.ok(
    files.some(([path]) => path.includes("journal")) && processes.size >= 6,
    [...processes.keys()].join(),
  );
  assert.deepEqual(found(new Map([...files, ...processes, ...said]), needles), []);
  // The scan sees what is there.
  assert.notDeepEqual(found(hayBelow(dir), needles), []);
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
  [700, "leave"],
  [1100, "worker"],
  [1500, "leave"],
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
