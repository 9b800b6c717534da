import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { delay } from "@skep/clock";
import { realClock } from "../clock.ts";
import { type Daemon, startDaemon } from "../testing/daemon.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
const mandelbrot = fileURLToPath(new URL("../../../../examples/modules/mandelbrot.wasm", import.meta.url));

let dir = "";
let hive: Daemon;
const started: ChildProcess[] = [];

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "skep-replicas-"));
  hive = await startDaemon(join(dir, "hive"), { args: ["--mesh", "127.0.0.1:0"] });
});
after(async () => {
  const living = started.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  await Promise.all(
    living.map((child) => {
      child.kill("SIGTERM");
      return once(child, "exit");
    }),
  );
  await hive[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

function skep(args: readonly string[], input = ""): ChildProcess {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
    env: { PATH: process.env.PATH, HOME: dir, XDG_STATE_HOME: join(dir, "state") },
  });
  started.push(child);
  child.stdin?.end(input);
  return child;
}

async function run(args: readonly string[], input = "") {
  const child = skep(args, input);
  let out = "";
  let err = "";
  child.stdout?.on("data", (bytes: Buffer) => (out += bytes));
  child.stderr?.on("data", (bytes: Buffer) => (err += bytes));
  const [code] = await once(child, "close");
  return { code: code as number | null, out, err };
}

const atHive = (...args: string[]) => run(["--home", hive.home, ...args]);

async function until(check: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await check()) return;
    await delay(realClock, 100);
  }
  assert.fail(what);
}

async function nodes(): Promise<{ name: string; node: string; state: string; trust: string }[]> {
  return JSON.parse((await atHive("nodes", "--json")).out);
}

async function lend(name: string): Promise<void> {
  const made = await atHive("invite", "--json", "--class", "borrowed", "--owner", name);
  const { invitation } = JSON.parse(made.out) as { invitation: string };
  skep(["join", "--worker-home", join(dir, name), "--name", name, "--isolation", "off"], `${invitation}\n`);
  await until(
    async () => (await nodes()).some((row) => row.name === name && row.state === "present"),
    `${name} never came`,
  );
}

const recordsIn = (file: string): string[] =>
  JSON.parse(readFileSync(file, "utf8")).postings.map(({ record }: { record: string }) => record);

/** Whoever lends a machine gets its owner's history from it, with that machine's own ticket, and nobody else's. */
async function lenderGetsTheSame(history: string, key: string): Promise<void> {
  const own = join(dir, "ben-own.json");
  const lent = ["--worker-home", join(dir, "ben")];
  const exported = await run(["ledger", "export", ...lent, "--file", own]);
  assert.equal(exported.code, 0, exported.err);
  assert.deepEqual(recordsIn(own), recordsIn(history));
  assert.equal((await run(["ledger", "verify", own, "--key", key])).code, 0);
  assert.equal((await run(["ledger", "export", "ann", ...lent])).code, 3);
  const shown = JSON.parse((await run(["ledger", "show", "--json", ...lent])).out) as { account: string }[];
  assert.deepEqual(
    shown.map(({ account }) => account),
    ["ben"],
  );
}

test("three machines of three owners agree, the verdict and what each owner earned are checked offline, and a change is noticed", async () => {
  for (const name of ["ann", "ben", "cat"]) await lend(name);
  const ran = await atHive(
    "run",
    "--json",
    "--class",
    "borrowed",
    "--replicas",
    "3",
    "--quorum",
    "2",
    mandelbrot,
  );
  const outcome = JSON.parse(ran.out) as { job: string; verified: boolean; reason: string };
  assert.deepEqual([outcome.reason, outcome.verified, ran.code], ["exit", true, 0], ran.err);

  const receipt = (await atHive("cat", `/jobs/${outcome.job}/receipt`)).out;
  const verdict = JSON.parse(receipt);
  const told = verdict.replicas.map(
    (one: { owner: string; verdict: string }) => `${one.owner} ${one.verdict}`,
  );
  assert.deepEqual(told.sort(), ["ann agreed", "ben agreed", "cat agreed"]);
  const { class: of, owner, rule, label, policy } = verdict.replicas[0].receipt.result.metrics.extra;
  assert.deepEqual([of, rule, label, policy], ["borrowed", "2/3", "internal", "v0"]);
  assert.equal(owner, verdict.replicas[0].owner);

  const file = join(dir, "verdict.json");
  writeFileSync(file, receipt);
  const checked = await run(["verify", "--json", file, "--key", verdict.hive_key]);
  assert.deepEqual([checked.code, JSON.parse(checked.out).signed], [0, true], checked.err);
  for (const [what, change] of [
    [
      "an owner",
      () => ({ ...verdict, replicas: verdict.replicas.map((one: object) => ({ ...one, owner: "dan" })) }),
    ],
    ["the answer", () => ({ ...verdict, answer: "exit 0 00" })],
    ["who agreed", () => ({ ...verdict, replicas: verdict.replicas.slice(1) })],
  ] as const) {
    writeFileSync(file, JSON.stringify(change()));
    for (const key of [[], ["--key", verdict.hive_key]])
      if (what !== "who agreed" || key.length > 0)
        assert.notEqual((await run(["verify", file, ...key])).code, 0, `${what} was changed unnoticed`);
  }

  assert.match((await nodes()).map(({ trust }) => trust).join(), /^T0 0\.500,T0 0\.500,T0 0\.500$/);
  const ann = (await nodes()).find(({ name }) => name === "ann")?.node ?? "";
  assert.equal((await atHive("node", "quarantine", ann)).code, 0);
  assert.equal((await nodes()).find(({ name }) => name === "ann")?.trust, "quarantined");
  assert.equal((await atHive("node", "release", ann)).code, 0);

  await until(
    async () => (await atHive("ledger", "show", "--json")).out.includes('"ben"'),
    "nothing was posted",
  );
  const history = join(dir, "ben.json");
  assert.equal((await atHive("ledger", "export", "ben", "--file", history)).code, 0);
  const key = (await atHive("audit", "key")).out.trim();
  const proved = await run(["ledger", "verify", "--json", history, "--key", key]);
  assert.equal(proved.code, 0, proved.err);
  const { verified, postings, micro } = JSON.parse(proved.out);
  assert.deepEqual([verified, postings, micro > 0], [true, 1, true]);
  await lenderGetsTheSame(history, key);
  const forged = readFileSync(history, "utf8").replace(
    /(\\"account\\":\\"ben\\",\\"balance\\":)\d+/,
    "$199999999",
  );
  assert.notEqual(forged, readFileSync(history, "utf8"));
  writeFileSync(history, forged);
  assert.notEqual((await run(["ledger", "verify", history, "--key", key])).code, 0);
});
