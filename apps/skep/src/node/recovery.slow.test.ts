import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createLab, labLacks } from "@skep/testing";
import { endOf, Machine, type NodeRow, patience, type Running, until } from "../testing/machine.ts";

const lacking = labLacks();
const skip = lacking === undefined ? false : lacking;
const dir = mkdtempSync(join(tmpdir(), "skep-recovery-"));
const machines: Machine[] = [];
const rows: string[] = [];

after(async () => {
  for (const each of machines) await each[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
  const load = loadavg().map((one) => one.toFixed(1));
  process.stdout.write(`\n${rows.join("\n")}\nload ${load.join(" ")}\n`);
});

function machine(
  name: string,
  ...more: ConstructorParameters<typeof Machine> extends [string, ...infer R] ? R : never
) {
  const made = new Machine(join(dir, name), ...more);
  machines.push(made);
  return made;
}

const rowOf = (hive: Machine, wanted: (row: NodeRow) => boolean) => () =>
  hive.nodes().then((all) => all.find(wanted));
const present = ({ state }: NodeRow): boolean => state === "present";

async function joined(hive: Machine, worker: Machine, name: string): Promise<Running> {
  const running = worker.join(await hive.invitation(), name);
  await until(
    rowOf(hive, (row) => row.name === name && present(row)),
    () => `${name} never came: ${running.err}`,
  );
  return running;
}

/** What one command tells of a machine. */
async function why(hive: Machine, name: string, what: string, took: number): Promise<string> {
  const line = (await hive.ask("why", name)).trim();
  rows.push(`${what}: back after ${took.toFixed(0)} ms; skep why ${name}: ${line}`);
  return line;
}

async function works(hive: Machine): Promise<void> {
  const ran = await endOf(hive.job());
  assert.deepEqual([ran.exit, ran.verified], [0, true], JSON.stringify(ran));
}

test("a hive that is killed and started again has its machine back, and the job that it ran", async () => {
  const hive = machine("restarted");
  const first = await hive.up("--mesh", "127.0.0.1:0");
  const { port } = JSON.parse(first.out.split("\n", 1)[0] ?? "").mesh;
  await joined(hive, machine("desk"), "desk");
  const job = hive.job("mandelbrot", "1200", "1000", "3000");
  const running = await until(
    async () => (await hive.jobs()).find(({ state }) => state === "running"),
    () => "the job never began",
  );
  await first.end("SIGKILL");
  await job.ended;
  await hive.up("--mesh", `127.0.0.1:${port}`);
  const begun = performance.now();
  await until(rowOf(hive, present), () => "it never came back");
  assert.match(
    await why(hive, "desk", "hive killed -9", performance.now() - begun),
    /is present since .*: direct/,
  );
  const told = await until(
    async () => (await hive.jobs()).find(({ job: id, ended_ms }) => id === running.job && ended_ms !== null),
    () => "its job never ended",
    60_000,
  );
  assert.deepEqual([told.state, told.verified, told.tries], ["done", "yes", 1]);
});

test("a machine that sleeps is absent, and is back by itself when it wakes", async () => {
  const hive = machine("patient");
  await hive.up("--mesh", "127.0.0.1:0");
  const worker = await joined(hive, machine("sleeper"), "sleeper");
  worker.child.kill("SIGSTOP");
  await until(
    rowOf(hive, ({ state }) => state === "absent"),
    () => "it is not missed",
    30_000,
  );
  assert.match((await hive.ask("why", "sleeper")).trim(), /is absent since/);
  worker.child.kill("SIGCONT");
  const begun = performance.now();
  await until(rowOf(hive, present), () => "it never came back");
  await why(hive, "sleeper", "stopped until it was missed", performance.now() - begun);
  await works(hive);
});

test("a relay that dies is replaced by another on both sides, and the machine stays the same", {
  skip,
}, async () => {
  await using lab = createLab();
  const inet = lab.network("inet");
  const addresses: string[] = [];
  const relays: Running[] = [];
  for (const at of [1, 2]) {
    const relay = machine(`relay-${at}`, lab.host(`relay ${at}`, inet, `5.1.0.${at}/8`));
    relay.configure("hive", "[mesh]\nrelay = true\nport_mapping = false\n");
    relays.push(await relay.up("--mesh", "[::]:7781"));
    const self = JSON.parse(await relay.read("/net/self.json")) as { addresses: string[] };
    addresses.push(self.addresses.find((one) => /^\/ip4\/5[.\d]*\/tcp\/\d+\/p2p/.test(one)) ?? "");
  }
  const far = lab.nat("nat of the hive", inet, { outside: "5.2.0.1/8" });
  const hive = machine("hidden", lab.host("hidden", far, "192.168.1.2/24"));
  hive.configure("hive", `[mesh]\nrelays = ${JSON.stringify(addresses)}\nport_mapping = false\n`);
  await hive.up("--mesh", "[::]:7781");
  const reserved = async () => {
    const self = JSON.parse(await hive.read("/net/self.json")) as { addresses: string[] };
    return self.addresses.find((one) => one.includes("p2p-circuit"));
  };
  const through = await until(reserved, () => "no reservation");
  const home = lab.nat("nat of the machine", inet, { outside: "5.2.0.2/8", inside: "192.168.7.1/24" });
  await joined(hive, machine("cabin", lab.host("cabin", home, "192.168.7.2/24")), "cabin");
  const at = addresses.findIndex((one) => through.startsWith(one.split("/tcp/", 1)[0] ?? "-"));
  const begun = performance.now();
  await relays[at]?.end("SIGKILL");
  await until(
    rowOf(hive, ({ state }) => state === "absent"),
    () => "the relay is not missed",
  );
  const [row] = await Promise.all([
    until(rowOf(hive, present), () => "it never came back", 60_000 * patience()),
  ]);
  const took = performance.now() - begun;
  assert.equal(row.path, "relayed");
  assert.match(await why(hive, "cabin", "relay killed -9", took), /is present since .*: relayed/);
  await works(hive);
  for (const each of machines.splice(2)) await each[Symbol.asyncDispose]();
});
