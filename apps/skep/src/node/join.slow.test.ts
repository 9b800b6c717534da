import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { delay } from "@skep/clock";
import { realClock } from "../clock.ts";
import { type Daemon, startDaemon } from "../testing/daemon.ts";
import { patience } from "../testing/machine.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
const modules = fileURLToPath(new URL("../../../../examples/modules", import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let dir = "";
let hive: Daemon;
const started: ChildProcess[] = [];

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "skep-join-"));
  hive = await startDaemon(join(dir, "hive"), { args: ["--mesh", "127.0.0.1:0"] });
});
after(async () => {
  await Promise.all(
    started
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => {
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

async function run(args: readonly string[], input = ""): Promise<Ran> {
  const child = skep(args, input);
  let out = "";
  let err = "";
  child.stdout?.on("data", (bytes: Buffer) => (out += bytes));
  child.stderr?.on("data", (bytes: Buffer) => (err += bytes));
  const [code] = await once(child, "close");
  return { code, out, err };
}

const atHive = (...args: string[]) => run(["--home", hive.home, ...args]);
const refusalOf = ({ out }: Ran): string => JSON.parse(out).error.code;
const jsonOf = ({ out }: Ran) => JSON.parse(out);
/** What the machine's owner keeps: nothing of it comes from a hive. */
const owners = new Set(["lock", "owner.book.json"]);
const folder = (name: string) => join(dir, name);
const nodes = async () => jsonOf(await atHive("nodes", "--all", "--json"));

async function invitation(...args: string[]): Promise<string> {
  return jsonOf(await atHive("invite", "--json", ...args)).invitation;
}

async function until(check: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await check()) return;
    await delay(realClock, 100);
  }
  assert.fail(what);
}

const present = (name: string) => async () =>
  (await nodes()).some(
    (row: { name: string; state: string }) => row.name === name && row.state === "present",
  );

test("a machine joins with one line, runs a verified job, and is wiped when it is removed", async () => {
  const from = performance.now();
  const line = await invitation("--class", "owned", "--label", "desk");
  const machine = skep(
    ["join", "--worker-home", folder("desk"), "--name", "desk", "--isolation", "off"],
    `${line}\n`,
  );
  let told = "";
  machine.stderr?.on("data", (bytes: Buffer) => (told += bytes));
  await until(present("desk"), "the machine never came");
  const ran = jsonOf(await atHive("run", "--json", join(modules, "mandelbrot.wasm")));
  const took = Math.round(performance.now() - from);
  assert.deepEqual([ran.reason, ran.verified], ["exit", true], JSON.stringify(ran.error));
  const [row] = await nodes();
  assert.deepEqual([row.class, row.labels, row.path], ["owned", ["desk"], "direct"]);
  const [, code] = /Code (\d{6})/.exec(told) ?? [];
  const log = await atHive("cat", "/log/queen.log");
  assert.ok(log.out.includes(`desk joins as ${row.node}, code ${code}`));
  assert.ok(took < 10_000 * patience(), `${took} ms`);
  process.stdout.write(`join: from invite to the first verified job in ${took} ms\n`);

  assert.equal((await atHive("node", "remove", "--yes", row.node, "--reason", "sold")).code, 0);
  await once(machine, "exit");
  assert.match(told, /The hive removed this machine/);
  const left = readdirSync(folder("desk")).filter((name) => !owners.has(name));
  assert.deepEqual(left, ["identity"]);
  const secret = readFileSync(join(folder("desk"), "identity"));
  assert.equal(secret.length, 32);
});

test("an invitation joins one machine only, and the same machine again until it said hello", async () => {
  const line = await invitation();
  const join_ = (name: string) =>
    run(["join", "--only", "--json", "--worker-home", folder(name), "--name", name], line);
  const first = await join_("one");
  assert.equal(first.code, 0, first.err);
  // What it kept is lost before it said hello: the same identity may ask again.
  rmSync(join(folder("one"), "hive.json"));
  assert.equal((await join_("one")).code, 0);
  const second = await join_("two");
  assert.equal(refusalOf(second), "net.used");
  assert.equal(existsSync(join(folder("two"), "ticket")), false);
});

const refused: readonly (readonly [why: string, line: () => Promise<string>, code: string])[] = [
  ["was cut on its way", async () => (await invitation()).slice(0, -20), "invite.forged"],
  ["is no invitation", async () => "hello", "invite.damaged"],
  [
    "was taken back",
    async () => {
      const made = jsonOf(await atHive("invite", "--json"));
      await atHive("uninvite", made.invite);
      return made.invitation;
    },
    "net.revoked",
  ],
];
for (const [why, line, code] of refused)
  test(`an invitation that ${why} is refused by its own code`, async () => {
    const ran = await run(["join", "--only", "--json", "--worker-home", folder("refused")], await line());
    const answered = refusalOf(ran);
    assert.ok(answered === code || (code === "invite.forged" && answered === "invite.damaged"), ran.out);
    assert.notEqual(ran.code, 0);
  });

test("a machine leaves by itself: the hive is told, and what it gave is wiped, the owner's secrets are not", async () => {
  const line = await invitation("--class", "borrowed", "--owner", "ann");
  const at = folder("leaver");
  assert.equal((await run(["join", "--only", "--worker-home", at, "--name", "leaver"], line)).code, 0);
  const worker = skep(["worker", "--worker-home", at, "--isolation", "off"]);
  await until(present("leaver"), "the machine never came");
  writeFileSync(join(at, "secrets-are-mine"), "x");
  const left = await run(["leave", "--yes", "--json", "--worker-home", at]);
  assert.deepEqual([left.code, jsonOf(left).told], [0, true], left.err);
  if (worker.exitCode === null) await once(worker, "exit");
  assert.deepEqual(
    readdirSync(at)
      .filter((name) => !owners.has(name))
      .sort(),
    ["identity", "secrets-are-mine"],
  );
  const row = (await nodes()).find(({ name }: { name: string }) => name === "leaver");
  assert.deepEqual([row.state, row.why, row.owner], ["removed", "it left", "ann"]);
  // Its key was removed with it; a new one comes with --forget.
  assert.equal(
    refusalOf(await run(["join", "--only", "--json", "--worker-home", at], await invitation())),
    "net.removed",
  );
  assert.equal((await run(["leave", "--yes", "--forget", "--worker-home", at])).code, 0);
  assert.equal((await run(["join", "--only", "--worker-home", at], await invitation())).code, 0);
});
