import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { endOf, Machine, type Running, until } from "../testing/machine.ts";
import { strayed } from "../testing/secrets.ts";

const program = fileURLToPath(new URL("../testing/liar.ts", import.meta.url));
const module = (name: string) =>
  fileURLToPath(new URL(`../../../../examples/modules/${name}.wasm`, import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "skep-liar-"));
const hive = new Machine(join(dir, "hive"));
const honest = ["ann", "ben", "cat", "dan"].map((name) => ({ name, machine: new Machine(join(dir, name)) }));
const crook = new Machine(join(dir, "liar"));
const working = new Map<string, Running>();
const ids = new Map<string, string>();
let liar: ChildProcess;

const invitation = (owner: string) => hive.invitation("--class", "borrowed", "--owner", owner);

async function present(name: string): Promise<void> {
  const row = await until(
    async () => (await hive.nodes()).find((one) => one.name === name && one.state === "present"),
    () => `${name} never came: ${working.get(name)?.err}`,
    60_000,
  );
  ids.set(name, row.node);
}

before(async () => {
  await hive.up("--mesh", "127.0.0.1:0");
  for (const { name, machine } of honest)
    working.set(name, machine.join(await invitation(name), name, "--slots", "1"));
  const only = ["join", "--only", "--worker-home", crook.worker, "--name", "liar"];
  const joined = await crook.run(only, `${await invitation("mallory")}\n`);
  assert.equal(joined.code, 0, joined.err);
  liar = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, crook.worker], {
    env: { PATH: process.env.PATH ?? "", HOME: crook.dir, SKEP_DISK_RESERVE: "0" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  for (const name of [...honest.map((one) => one.name), "liar"]) await present(name);
});
after(async () => {
  liar?.kill("SIGKILL");
  for (const { machine } of honest) await machine[Symbol.asyncDispose]();
  await crook[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

interface Seat {
  readonly worker: string;
  readonly verdict: string;
  readonly why: string;
}
interface Trust {
  readonly invalid: number;
  readonly valid: number;
  readonly state: string;
}
const trustOf = async (name: string): Promise<Trust> =>
  JSON.parse(await hive.read(`/worker/${ids.get(name)}/trust.json`)) as Trust;
const run = ["run", "--json", "--class", "borrowed", "--replicas", "5", "--quorum", "3"];

/** What the verdict says of each, by name, once a job that all five were given has ended well. */
async function verdictOf(file: string, ...args: string[]): Promise<Map<string, string>> {
  const ran = await endOf(hive.start(["--home", hive.home, ...run, module(file), ...args], "abc"));
  assert.deepEqual([ran.exit, ran.verified], [0, true], JSON.stringify(ran));
  const { replicas } = JSON.parse(await hive.read(`/jobs/${ran.job}/receipt`)) as { replicas: Seat[] };
  return new Map(
    [...ids].map(([name, id]) => {
      const seat = replicas.find(({ worker }) => worker === id);
      return [name, seat ? `${seat.verdict} ${seat.why}` : "no seat"];
    }),
  );
}

/** Who is slower than a quorum is not waited for; then the job did not show what it was to show. */
async function verdictWith(lie: string): Promise<Map<string, string>> {
  for (let time = 0; ; time += 1) {
    const found = await verdictOf("reverse", lie, String(time));
    if (time === 5 || !/^no[- ]/.test(found.get("liar") ?? "")) return found;
  }
}

test("a machine that tells the truth is believed with the others", async () => {
  const found = await verdictWith("the-truth");
  assert.equal(found.get("liar"), "agreed valid");
});

const lies = [
  "wrong-output",
  "late-reveal",
  "copied-output",
  "broken-commitment",
  "forged-receipt",
  "replayed-receipt",
  "other-job",
];
for (const lie of lies)
  test(`a process among five that lies by ${lie} is named so in the verdict and loses trust, the others do not`, async () => {
    const before = await trustOf("liar");
    const found = await verdictWith(lie);
    assert.equal(found.get("liar"), `dissent ${lie}`);
    const after = await trustOf("liar");
    assert.equal(after.invalid, before.invalid + 1);
    for (const { name } of honest) {
      assert.doesNotMatch(found.get(name) ?? "", /^dissent/);
      assert.equal((await trustOf(name)).invalid, 0);
    }
    if (lie === "wrong-output" || lie === "late-reveal") return;
    assert.equal(after.state, "quarantined");
    await hive.ask("node", "release", ids.get("liar") ?? "");
  });

test("of honest machines one is frozen and one crashes in the midst of a job: it ends well, and neither loses trust", async () => {
  const job = hive.start(["--home", hive.home, ...run, module("mandelbrot"), "400", "300", "3000"]);
  await until(
    async () => (await hive.jobs()).find(({ state }) => state === "running"),
    () => job.err,
  );
  const [frozen, crashed] = [working.get("ann")?.child, working.get("ben")?.child];
  frozen?.kill("SIGSTOP");
  crashed?.kill("SIGKILL");
  const ran = await endOf(job);
  frozen?.kill("SIGCONT");
  assert.deepEqual([ran.exit, ran.verified], [0, true], JSON.stringify(ran));
  for (const { name } of honest) assert.equal((await trustOf(name)).invalid, 0, name);
});

test("after all that no ticket, key or token stands in any log, journal, environment, argument or output", () => {
  const machines = [hive, crook, ...honest.map(({ machine }) => machine)];
  const { secrets, places, stray } = strayed(
    dir,
    machines.flatMap(({ said }) => said),
  );
  assert.ok(secrets >= 13 && places > 50, `${secrets} secrets, ${places} places`);
  assert.deepEqual(stray, []);
});
