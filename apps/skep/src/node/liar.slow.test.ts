import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createSigner } from "@skep/receipt";
import { heldContent } from "../jobs/blob.ts";
import { type Outcome, outcomeOf } from "../jobs/outcome.ts";
import { submit } from "../jobs/submit.ts";
import { Machine, type Running, until } from "../testing/machine.ts";
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

async function beginLiar(): Promise<void> {
  const only = ["join", "--only", "--worker-home", crook.worker, "--name", "liar"];
  const joined = await crook.run(only, `${await invitation("mallory")}\n`);
  assert.equal(joined.code, 0, joined.err);
  liar = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, crook.worker], {
    env: { PATH: process.env.PATH ?? "", HOME: crook.dir, SKEP_DISK_RESERVE: "0" },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

before(async () => {
  await hive.up("--mesh", "127.0.0.1:0");
  const joins = honest.map(async ({ name, machine }) =>
    working.set(name, machine.join(await invitation(name), name, "--slots", "1")),
  );
  await Promise.all([...joins, beginLiar()]);
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

interface Job {
  readonly id: string;
  readonly ended: Promise<Outcome>;
}

/** Hands a job for all five in, as `skep run` does it. */
async function begin(file: string, args: readonly string[], quorum: number): Promise<Job> {
  return await hive.use(async (client) => {
    const signer = createSigner(readFileSync(join(hive.home, "keys", "identity")));
    const content = heldContent(readFileSync(module(file)));
    const wish = { args, env: {}, replicas: 5, quorum, where: { classes: ["borrowed"] } };
    const stdin = heldContent(Buffer.from("abc"));
    const taken = await submit({ client, signer, module: content, stdin, wish, now: Date.now() });
    return { id: taken.job, ended: outcomeOf(client, taken, { module: content.digest }) };
  });
}

/** What the verdict says of each, by name, once a job that all five were given has ended well. */
async function verdictOf({ id, ended }: Job): Promise<Map<string, string>> {
  const { status, verified, why } = await ended;
  assert.deepEqual([status.state, verified], ["done", true], why);
  const { replicas } = JSON.parse(await hive.read(`/jobs/${id}/receipt`)) as { replicas: Seat[] };
  return new Map(
    [...ids].map(([name, worker]) => {
      const seat = replicas.find((one) => one.worker === worker);
      return [name, seat ? `${seat.verdict} ${seat.why}` : "no seat"];
    }),
  );
}

/** All who are honest are a quorum: who is slower than they is not waited for, and then the job did not show what it was to show. */
async function verdictWith(lie: string): Promise<Map<string, string>> {
  for (let time = 0; ; time += 1) {
    const found = await verdictOf(await begin("reverse", [lie, String(time)], honest.length));
    if (time === 5 || !/^no[- ]/.test(found.get("liar") ?? "")) return found;
  }
}

/** The lie was named and cost trust, and nobody else's. */
async function isNamed(found: ReadonlyMap<string, string>, lie: string, before: Trust): Promise<Trust> {
  assert.equal(found.get("liar"), `dissent ${lie}`);
  const after = await trustOf("liar");
  assert.equal(after.invalid, before.invalid + 1);
  for (const { name } of honest) {
    assert.doesNotMatch(found.get(name) ?? "", /^dissent/);
    assert.equal((await trustOf(name)).invalid, 0);
  }
  return after;
}

test("a machine that tells the truth is believed with the others", async () => {
  const found = await verdictWith("the-truth");
  assert.equal(found.get("liar"), "agreed valid");
});

const lies = [
  "wrong-output",
  "copied-output",
  "broken-commitment",
  "forged-receipt",
  "replayed-receipt",
  "other-job",
];
for (const lie of lies)
  test(`a process among five that lies by ${lie} is named so in the verdict and loses trust, the others do not`, async () => {
    const before = await trustOf("liar");
    const after = await isNamed(await verdictWith(lie), lie, before);
    if (lie === "wrong-output") return;
    assert.equal(after.state, "quarantined");
    await hive.ask("node", "release", ids.get("liar") ?? "");
  });

/** How many have told what they committed to. */
async function revealed(job: string): Promise<number> {
  const lines = (await hive.ask("audit", "cat", "--json")).split("\n");
  return lines.filter((line) => line.includes("jobs:revealed@") && line.includes(`"job":"${job}"`)).length;
}

/** A job whose liar has committed and is waited for, while all others have told. */
async function beginLate(): Promise<Job> {
  for (let time = 0; time < 6; time += 1) {
    const late = await begin("reverse", ["late-reveal", String(time)], honest.length);
    await until(
      async () => (await revealed(late.id)) === honest.length || undefined,
      () => "the honest ones did not reveal",
      60_000,
    );
    if ((await hive.jobs()).some(({ job, state }) => job === late.id && state === "running")) return late;
  }
  throw new Error("the liar was too slow each time");
}

// Both wait for clocks of the hive, so they wait together: for half a minute who does not reveal is waited for, and who is
// silent is taken for gone.
test("one lies by late-reveal and is named so; of honest machines one is frozen and one crashes in the midst of a job: it ends well, and neither loses trust", async () => {
  const before = await trustOf("liar");
  const late = await beginLate();
  const long = await begin("mandelbrot", ["400", "300", "3000"], 3);
  await until(
    async () => (await hive.jobs()).find(({ job, state }) => job === long.id && state === "running"),
    () => "the long job never began",
  );
  const [frozen, crashed] = [working.get("ann")?.child, working.get("ben")?.child];
  frozen?.kill("SIGSTOP");
  crashed?.kill("SIGKILL");
  const outcome = await long.ended;
  frozen?.kill("SIGCONT");
  assert.deepEqual([outcome.status.state, outcome.verified], ["done", true], outcome.why);
  for (const { name } of honest) assert.equal((await trustOf(name)).invalid, 0, name);
  await isNamed(await verdictOf(late), "late-reveal", before);
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
