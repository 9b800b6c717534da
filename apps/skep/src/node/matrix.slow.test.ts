import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { createLab, type Host, type Lab, labLacks, type Network } from "@skep/testing";
import { endOf, Machine, type NodeRow, patience, type Running, until } from "../testing/machine.ts";

const lacking = labLacks();
const skip = lacking === undefined ? false : lacking;

let dir = "";
let lab: Lab;
let inet: Network;
let lan: Network;
/** A hive that everybody reaches, one behind a NAT, and a relay that both use. */
let open: Machine;
let hidden: Machine;
let relayHost: Host;
const machines: Machine[] = [];
const rows: string[] = [];

function machine(name: string, host: Host): Machine {
  const made = new Machine(join(dir, name.replaceAll(/\W+/g, "-")), host);
  machines.push(made);
  return made;
}

async function selfOf(hive: Machine): Promise<{ addresses: string[]; peer: string }> {
  return JSON.parse(await hive.read("/net/self.json"));
}

const rowOf = (hive: Machine, name: string, wanted: (row: NodeRow) => boolean) => () =>
  hive.nodes().then((all) => all.find((row) => row.name === name && wanted(row)));

/** True when a job runs. */
const busy = (hive: Machine) => async () =>
  (await hive.jobs()).some(({ state }) => state === "running") || undefined;

before(async () => {
  if (skip) return;
  dir = mkdtempSync(join(tmpdir(), "skep-matrix-"));
  lab = createLab();
  inet = lab.network("inet");
  relayHost = lab.host("relay", inet, "5.1.0.1/8", "2a00:1::1/32");
  const relay = machine("relay", relayHost);
  relay.configure("hive", '[mesh]\nrelay = true\nwebsocket = "[::]:443"\nport_mapping = false\n');
  await relay.up("--mesh", "[::]:7781");
  const relays = (await selfOf(relay)).addresses.filter((one) => one.includes("/5.1.0.1/tcp/"));
  const toml = `[mesh]\nrelays = ${JSON.stringify(relays)}\nport_mapping = false\n`;
  open = machine("open", lab.host("open", inet, "5.1.1.1/8", "2a00:1::2/32"));
  lan = lab.nat("nat of the hive", inet, { outside: "5.2.0.1/8" });
  hidden = machine("hidden", lab.host("hidden", lan, "192.168.1.2/24"));
  for (const hive of [open, hidden]) hive.configure("hive", toml);
  await Promise.all([open, hidden].map((hive) => hive.up("--mesh", "[::]:7781")));
  const reserved = async (hive: Machine) =>
    (await selfOf(hive)).addresses.some((one) => one.includes("p2p-circuit")) || undefined;
  await Promise.all(
    [open, hidden].map((hive) =>
      until(
        () => reserved(hive),
        () => "no reservation",
      ),
    ),
  );
});

after(async () => {
  if (skip) return;
  for (const each of machines) await each[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
  const head =
    "| worker - hive | path | over | join to present ms | invite to verified job ms |\n|-|-|-|-|-|";
  const load = loadavg().map((one) => one.toFixed(1));
  process.stdout.write(`\n${head}\n${rows.join("\n")}\nload ${load.join(" ")}\n`);
});

function row(pair: string, path: string, first: number, second: number, over = ""): void {
  rows.push(`| ${pair} | ${path} | ${over} | ${first.toFixed(0)} | ${second.toFixed(0)} |`);
}

interface Met {
  readonly worker: Running;
  readonly machine: Machine;
  readonly over: string;
  readonly present: number;
}

/** Invites, joins, and runs one job there. */
async function meet(
  pair: string,
  host: Host,
  hive: Machine,
  path: string,
  invite: string[] = [],
): Promise<Met> {
  const made = machine(pair, host);
  const begun = performance.now();
  const line = await hive.invitation(...invite);
  const from = performance.now();
  const worker = made.join(line, pair.replaceAll(/\W+/g, "-"));
  const name = pair.replaceAll(/\W+/g, "-");
  const met = await until(
    rowOf(hive, name, ({ state }) => state === "present"),
    () => `${pair}: it never came: ${worker.err}`,
  );
  const present = performance.now() - from;
  const ran = await endOf(hive.job("reverse"));
  const took = performance.now() - begun;
  assert.deepEqual([ran.exit, ran.verified], [0, true], JSON.stringify(ran));
  const over =
    /path to the hive: (?:direct|relayed) \((\w+)/.exec(worker.err)?.[1] ?? met.why.split(" ")[0] ?? "";
  await until(
    rowOf(hive, name, (one) => one.path === path),
    () => `${pair}: it is not ${path}: ${met.why}`,
  );
  row(pair, path, present, took, over);
  assert.ok(took < 10_000 * Math.max(2, patience()), `${pair}: ${took} ms from the invitation to the job`);
  return { worker, machine: made, over, present };
}

test("two machines on one network: from an invitation to a verified job in 10 s, with nothing configured", {
  skip,
}, async () => {
  const home = lab.network("home");
  const hive = machine("plain", lab.host("plain", home, "192.168.9.1/24"));
  await hive.up("--mesh", "on");
  const begun = performance.now();
  const { worker } = await meet(
    "nothing configured",
    lab.host("desk", home, "192.168.9.2/24"),
    hive,
    "direct",
  );
  const took = performance.now() - begun;
  assert.ok(took < 10_000 * patience(), `${took} ms`);
  await worker.end();
  await hive[Symbol.asyncDispose]();
});

test("on one LAN an invitation without any address is enough, within 3 s by mDNS", { skip }, async () => {
  const host = lab.host("e", lan, "192.168.1.3/24");
  const { worker } = await meet("LAN, no address", host, hidden, "direct", ["--lan"]);
  const [, seconds] = /Joined .* in ([\d.]+) s/.exec(worker.err) ?? [];
  assert.ok(Number(seconds) < 3 * patience(), `joined in ${seconds} s: ${worker.err}`);
  rows.push(`| LAN: hive found and joined | direct | mDNS | ${Number(seconds) * 1000} | |`);
  await worker.end();
});

// What a pair waits for is mostly its own clock: some of them share the processors.
suite("each pair has its class of path, and a job through it", { concurrency: 3 }, () => {
  test("two public machines meet directly; killing that path in the midst of a job costs no job", {
    skip,
  }, async () => {
    const host = lab.host("a", inet, "5.1.2.1/8");
    const { worker } = await meet("public - public", host, open, "direct");
    const job = open.job("mandelbrot", "1200", "1000", "3000");
    await until(busy(open), () => "the job never began");
    const heal = host.cut("5.1.1.1");
    const cut = performance.now();
    await worker.says(/path to the hive: relayed/, 10_000);
    const relayed = performance.now() - cut;
    const ran = await endOf(job);
    assert.deepEqual([ran.exit, ran.verified], [0, true], JSON.stringify(ran));
    row("direct path cut in a job", "relayed", relayed, performance.now() - cut);
    const next = open.job("mandelbrot", "600", "500", "3000");
    heal();
    const healed = performance.now();
    await worker.says(/the connection was replaced: a direct path stands/, 60_000);
    const better = performance.now() - healed;
    assert.equal((await endOf(next)).verified, true);
    row("healed in a job", "direct again", better, performance.now() - healed);
    assert.equal(JSON.parse(await open.read(`/jobs/${ran.job}/status.json`)).tries, 1);
    await worker.end();
  });

  test("from behind a NAT a public hive is reached directly", { skip }, async () => {
    const home = lab.nat("nat one", inet, { outside: "5.2.0.2/8" });
    const { worker } = await meet("NAT - public", lab.host("b", home, "192.168.1.2/24"), open, "direct");
    await worker.end();
  });

  test("a public machine meets a hive behind a NAT through the relay, and then directly", {
    skip,
  }, async () => {
    const { worker } = await meet("public - NAT", lab.host("c", inet, "5.1.2.2/8"), hidden, "direct");
    await worker.end();
  });

  test("a machine behind a NAT and a hive behind another stay on the relay", { skip }, async () => {
    const home = lab.nat("nat two", inet, { outside: "5.2.0.3/8", inside: "192.168.7.1/24" });
    const { worker } = await meet("NAT - NAT", lab.host("d", home, "192.168.7.2/24"), hidden, "relayed");
    await worker.end();
  });

  test("where UDP is blocked TCP does it", { skip }, async () => {
    const host = lab.host("f", inet, "5.1.2.3/8");
    host.blockUdp();
    const { worker, over } = await meet("UDP blocked - public", host, open, "direct");
    assert.equal(over, "tcp");
    await worker.end();
  });

  test("where only port 443 is open a WebSocket relay does it", { skip }, async () => {
    const home = lab.nat("nat three", inet, { outside: "5.2.0.4/8", lets: "443" });
    const { worker } = await meet(
      "only 443 - public",
      lab.host("g", home, "192.168.1.2/24"),
      open,
      "relayed",
    );
    assert.match(await relayHost.run("cat", "/proc/net/tcp"), /:01BB 04000205:\w+ 01 /);
    await worker.end();
  });

  test("IPv6 alone is enough", { skip }, async () => {
    const { worker } = await meet("IPv6 only - public", lab.host("h", inet, "2a00:1::11/32"), open, "direct");
    await worker.end();
  });
});
