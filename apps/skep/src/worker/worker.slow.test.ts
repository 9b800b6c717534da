import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { FakeIoOptions } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { simulatedClock } from "@skep/testing";
import { connect, homeTarget } from "../client/connect.ts";
import { LocalWorkers } from "../hive/workers.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const modules = fileURLToPath(new URL("../../../../examples/modules", import.meta.url));
const module = (name: string): string => join(modules, `${name}.wasm`);

let hive: TestHive;
let workers: LocalWorkers;
let client: Client;
const told: string[] = [];

async function status(job: string): Promise<Record<string, unknown>> {
  return JSON.parse(String(await client.readAll(`/jobs/${job}/status.json`)));
}

/** Reads a job's status until it is as wanted; the test runner's own limit ends what never comes. */
async function until(job: string, wanted: (told: Record<string, unknown>) => boolean) {
  for (;;) {
    const found = await status(job);
    if (wanted(found)) return found;
    await client.readAll("/jobs/ctl").catch(() => undefined);
  }
}

async function run(argv: readonly string[], options: FakeIoOptions = {}) {
  const { code, out, err } = await hive.skep(["run", "--json", ...argv], options);
  return { code, err, told: JSON.parse(out) };
}

async function detach(...argv: readonly string[]): Promise<string> {
  return (await hive.skep(["run", "--detach", ...argv])).out.trim();
}

function workerPids(): number[] {
  const children = readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").trim().split(" "),
  );
  const isOurs = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--worker-home");
  return children.filter((pid) => pid !== "" && isOurs(pid)).map(Number);
}

async function present(worker: string): Promise<void> {
  for (;;) {
    const info = await client.readAll(`/worker/${worker}/info.json`).catch(() => "{}");
    if ((JSON.parse(String(info)) as { present?: boolean }).present === true) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Time stands still for the command: it never comes to say that a job waits, however slow the machine is. */
const still = { clock: simulatedClock(1) };

before(async () => {
  hive = await startTestHive();
  workers = new LocalWorkers(hive.hive, (line) => told.push(line));
  await workers.start(2);
  client = await connect(homeTarget(hive.home));
  for (const id of workers.ids) await present(id);
});
after(async () => {
  await client.close();
  await workers[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
});

test("a module's output comes back with a receipt that verifies, and offline too", async () => {
  const receipt = join(hive.dir, "receipt.json");
  const ran = await hive.skep(["run", "--receipt", receipt, module("reverse")], {
    input: ["Hello, ", "World"],
    ...still,
  });
  assert.deepEqual(ran, { code: 0, out: "dlroW ,olleH", err: "" });
  const { worker_pubkey, result } = JSON.parse(readFileSync(receipt, "utf8"));
  assert.equal(result.completion, "stop");
  assert.equal(result.metrics.extra.exit_code, "0");
  assert.equal(result.metrics.extra.hive, hive.hive.keys.hive);
  const { manifest } = JSON.parse((await hive.skep(["cat", "/proc/boot.json"])).out);
  assert.equal(result.metrics.extra.hive_manifest, `sha256:${manifest}`);
  const output = join(hive.dir, "output");
  writeFileSync(output, ran.out);
  const check = ["verify", receipt, "--key", worker_pubkey, "--stdout", output];
  assert.match((await hive.skep(check)).out, /^verified, the output too\n/);
  writeFileSync(output, "something else");
  const other = await hive.skep(check);
  assert.deepEqual([other.code, other.out.split(":")[1]], [1, " wrong-output"]);
});

test("the module's own exit code is ours, on both streams what it wrote", async () => {
  const ran = await hive.skep(["run", "--quiet", module("misbehaving/exit3")], still);
  assert.deepEqual([ran.code, ran.out], [3, "to stdout\n"]);
  assert.equal(ran.err, "to stderr\n");
});

test("on a terminal output is shown once, escaped, as it comes", async () => {
  const ran = await hive.skep(["run", module("misbehaving/exit3")], { tty: true, ...still });
  assert.deepEqual([ran.code, ran.out, ran.err], [3, "to stdout\n", "to stderr\n"]);
});

test("input and output of some megabytes go through the blob store", async () => {
  const input = "0123456789abcdef".repeat(200_000);
  const digest = createHash("sha256").update(input).digest("hex");
  const ran = await hive.skep(["run", module("sha256")], { input: [input] });
  assert.equal(ran.out.split(" ")[0], digest);
  const picture = await run([module("mandelbrot"), "640", "480"]);
  assert.equal(picture.told.verified, true);
  assert.equal(picture.told.stdout.bytes, 640 * 480 * 3 + "P6\n640 480\n255\n".length);
});

const ends: [name: string, reason: string, argv: string[]][] = [
  ["an endless loop", "fuel", ["--fuel", "1000000", "misbehaving/loop"]],
  ["an endless loop without a small budget", "timeout", ["--time", "500ms", "misbehaving/loop"]],
  ["endless recursion", "depth", ["misbehaving/recurse"]],
  ["a flood of output", "output", ["misbehaving/flood"]],
  ["unreachable code", "trap", ["misbehaving/trap"]],
];
for (const [name, reason, argv] of ends)
  test(`${name} ends as failed with reason ${reason}, its receipt signed, and 125`, async () => {
    const { code, told: outcome } = await run([...argv.slice(0, -1), module(argv.at(-1) ?? "")]);
    assert.deepEqual([code, outcome.state, outcome.reason, outcome.verified], [125, "failed", reason, true]);
  });

const refusedBytes: [name: string, bytes: Buffer][] = [
  ["that is a header and one byte", Buffer.from("0061736d01000000ff", "hex")],
  ["that is cut", readFileSync(module("reverse")).subarray(0, 200)],
  [
    "with a custom section that claims more than there is",
    Buffer.from("0061736d0100000000ffffffff0f", "hex"),
  ],
];
for (const [name, bytes] of refusedBytes)
  test(`a module ${name} is refused with its reason`, async () => {
    const file = join(hive.dir, "bad.wasm");
    writeFileSync(file, bytes);
    const { code, told: outcome } = await run([file]);
    assert.deepEqual([code, outcome.reason, outcome.verified], [125, "refused", true]);
  });

test("a secret reaches the module and nothing else; a missing one fails the job by its name", async () => {
  for (const at of ["0", "1"]) {
    const dir = join(hive.home, "workers", at, "secrets");
    mkdirSync(dir, { mode: 0o700 });
    writeFileSync(join(dir, "api"), "hunter2\n", { mode: 0o600 });
    writeFileSync(join(dir, "open"), "hunter2\n", { mode: 0o644 });
  }
  const good = await run(["--env", "KEY=secret:api", module("reverse")], { input: ["x"] });
  assert.equal(good.code, 0);
  assert.ok(!JSON.stringify(good).includes("hunter2"));
  for (const name of ["missing", "open", "../identity"]) {
    const bad = await run(["--env", `KEY=secret:${name}`, module("reverse")], { input: ["x"] });
    assert.deepEqual([bad.code, bad.told.reason, bad.told.verified], [125, "secret", true], name);
  }
});

test("a canceled job ends at once with a receipt of what it did until then", async () => {
  const job = await detach("--time", "60s", module("misbehaving/loop"));
  await until(job, ({ state }) => state === "running");
  const began = performance.now();
  assert.equal((await hive.skep(["cancel", job])).out, `canceled ${job}\n`);
  const end = await until(job, ({ verified }) => verified === "yes");
  assert.deepEqual([end.state, end.reason], ["canceled", "canceled"]);
  console.log(`cancel to signed receipt: ${(performance.now() - began).toFixed(0)} ms`);
  const again = await hive.skep(["cancel", job]);
  assert.equal(again.code, 8);
});

test("Ctrl-C cancels the job that is waited for", async () => {
  const { io, done } = hive.start(["run", "--time", "60s", module("misbehaving/loop")]);
  const what = createHash("sha256")
    .update(readFileSync(module("misbehaving/loop")))
    .digest("hex");
  let job: string | undefined;
  while (job === undefined) {
    const rows = JSON.parse((await hive.skep(["jobs", "--json"])).out) as Record<
      "job" | "state" | "what",
      string
    >[];
    job = rows.find((row) => row.state === "running" && row.what === what)?.job;
  }
  io.kill("SIGINT");
  assert.equal(await done, 130);
  assert.equal((await until(job, ({ state }) => state !== "running")).state, "canceled");
});

test("a worker that is killed gives its job back, and another try ends it", async () => {
  const job = await detach("--time", "60s", module("misbehaving/loop"));
  const first = await until(job, ({ state }) => state === "running");
  for (const pid of workerPids()) process.kill(pid, "SIGKILL");
  const second = await until(job, ({ tries, state }) => tries === 2 && state === "running");
  assert.equal(second.job_id, first.job_id);
  await hive.skep(["cancel", job]);
  assert.equal((await until(job, ({ verified }) => verified === "yes")).state, "canceled");
  assert.ok(told.some((line) => line.includes("SIGKILL")));
});

test("jobs lists the newest first, and tells all of one", async () => {
  const rows = JSON.parse((await hive.skep(["jobs", "--json", "-n", "3"])).out) as {
    job: string;
    what: string;
  }[];
  assert.equal(rows.length, 3);
  assert.ok(Number(rows[0]?.job) > Number(rows[1]?.job));
  const one = await hive.skep(["jobs", rows[0]?.job ?? ""]);
  assert.match(one.out, /^state +canceled$/m);
  assert.equal((await hive.skep(["jobs", "999999"])).code, 3);
});
