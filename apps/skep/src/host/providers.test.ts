import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Clock } from "@skep/clock";
import { FakeCluster, FakeEngine } from "@skep/testing";
import type { Act } from "../attached/target.ts";
import { realClock } from "../clock.ts";
import { Containers } from "./docker.ts";
import { Adapters } from "./hive-acts.ts";
import { Cluster } from "./k8s.ts";
import { Links } from "./net.ts";
import { NvidiaGpus } from "./nvidia.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-host-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const { signal } = new AbortController();
const act = (verb: string, target: string, params: Record<string, number> = {}): Act => ({
  ...{ verb, target, params, signal },
  ticket: "t-1",
});
/** Waits are over at once. */
const hasty: Clock = { ...realClock, after: (_ms, then) => realClock.after(0, then) };

test("containers are listed, stopped ones too, and StartedAt tells that one was restarted", async () => {
  await using engine = new FakeEngine(["web", "db"]);
  const socket = join(dir, "engine.sock");
  await engine.listen(socket);
  using containers = new Containers(2000, socket);
  await containers.act(act("stop", "db"));
  const seen = (await containers.look(signal)).map(({ name, state }) => [name, state]);
  assert.deepEqual(seen, [
    ["web", "running"],
    ["db", "exited"],
  ]);
  const restart = act("restart", "web");
  const before = await containers.evidence("web", "restart", signal);
  assert.equal(containers.done(restart, before, await containers.evidence("web", "restart", signal)), "no");
  engine.mute = true;
  await assert.rejects(containers.act(restart), { code: "host-agent.lost" });
  engine.mute = false;
  assert.equal(containers.done(restart, before, await containers.evidence("web", "restart", signal)), "yes");
  assert.equal(containers.done(restart, before, { ...before, Id: "another" }), "unknown");
  await containers.act(act("stop", "db"));
  await assert.rejects(containers.act(act("stop", "none")), {
    code: "host-agent.unseen",
    message: /No such container/,
  });
  assert.deepEqual(engine.done, ["stop db", "restart web"]);
  assert.deepEqual(engine.strange, []);
});

test("a container is meant by its name alone, and not by what its id begins with", async () => {
  await using engine = new FakeEngine(["web"]);
  const socket = join(dir, "ids.sock");
  await engine.listen(socket);
  using containers = new Containers(2000, socket);
  const { Id = "" } = (await containers.evidence("web", "stop", signal)) ?? {};
  for (const target of [String(Id).slice(0, 4), String(Id)]) {
    await assert.rejects(containers.evidence(target, "stop", signal), { code: "host-agent.unseen" });
    await assert.rejects(containers.act(act("stop", target)), { code: "host-agent.unseen" });
  }
  assert.deepEqual(engine.done, []);
});

test("an engine that is not there is the reason why containers are unknown", async () => {
  using containers = new Containers(2000, join(dir, "none.sock"));
  await assert.rejects(containers.look(signal), /ENOENT/);
});

async function clusterAt(cluster: FakeCluster): Promise<Cluster> {
  const tokenFile = join(dir, "token");
  writeFileSync(tokenFile, `${cluster.token}\n`);
  return new Cluster({ api: await cluster.listen(), tokenFile, everyMs: 5000, clock: hasty });
}

test("a drain cordons, evicts what may go, waits for budgets, and leaves daemons", async () => {
  await using cluster = new FakeCluster(["node-1", "node-2"]);
  const at = await clusterAt(cluster);
  cluster.add({ name: "a", node: "node-1", uid: "u-a", budget: 2 });
  cluster.add({ name: "b", node: "node-1", uid: "u-b" });
  cluster.add({ name: "c", node: "node-2", uid: "u-c" });
  cluster.add({ name: "agent", node: "node-1", uid: "u-agent", daemon: true });
  const drain = act("drain", "node-1");
  const before = await at.evidence("node-1", "drain", signal);
  await at.act(drain);
  assert.deepEqual(cluster.evicted, ["b", "a"]);
  const now = await at.evidence("node-1", "drain", signal);
  assert.deepEqual([now?.unschedulable, now?.pods, now?.drained_by], [true, 0, "t-1"]);
  assert.equal(at.done(drain, before, now), "yes");
  const [first] = await at.look(signal);
  assert.deepEqual([first?.state, first?.fields.unschedulable, first?.fields.pods], ["ready", true, 1]);
});

test("a drain that was interrupted goes on, and not on a node that somebody opened again", async () => {
  await using cluster = new FakeCluster(["node-1"]);
  const at = await clusterAt(cluster);
  cluster.add({ name: "a", node: "node-1", uid: "u-a" });
  const drain = act("drain", "node-1");
  const before = await at.evidence("node-1", "drain", signal);
  const now = async () => at.done(drain, before, await at.evidence("node-1", "drain", signal));
  assert.equal(await now(), "no");
  await at.act(act("drain", "node-1"));
  cluster.add({ name: "late", node: "node-1", uid: "u-late" });
  assert.equal(await now(), "no");
  const node = cluster.nodes.get("node-1");
  assert.ok(node);
  node.unschedulable = false;
  assert.equal(await now(), "unknown");
  await at.act(act("uncordon", "node-1"));
  assert.deepEqual([node.unschedulable, node.annotations], [false, {}]);
  await at.act(act("cordon", "node-1"));
  assert.equal(node.unschedulable, true);
});

test("a cluster that refuses the token says so", async () => {
  await using cluster = new FakeCluster(["node-1"]);
  const at = new Cluster({ api: await cluster.listen(), everyMs: 5000, clock: hasty });
  await assert.rejects(at.look(signal), /Unauthorized/);
});

const smi = `#!/bin/sh
cap=$(cat "$0.cap")
case "$1" in
--query-gpu=index,uuid,name,temperature.gpu,power.draw,power.limit,utilization.gpu,memory.used,memory.total,mig.mode.current)
  echo "0, GPU-1, NVIDIA Test, 41, 70.12, $cap, 3, 100, 80000, Disabled"
  echo "1, GPU-2, NVIDIA Test, 43, [N/A], [N/A], [N/A], 0, 80000, [N/A]" ;;
-i) [ "$4" -le 700 ] || { echo "Provided power limit $4.00 W is not a valid power limit" >&2; exit 2; }
  echo "$2 $4" >> "$0.log"; echo "$4.00" > "$0.cap" ;;
esac
`;

test("GPUs tell temperature, power and MIG; what one does not tell is left out; a cap is seen once it holds", async () => {
  const program = join(dir, "nvidia-smi");
  writeFileSync(program, smi);
  writeFileSync(`${program}.cap`, "300.00\n");
  chmodSync(program, 0o755);
  using gpus = new NvidiaGpus(1000, program);
  const [first, other] = await gpus.look(signal);
  const { temperature_c, power_w, power_cap, mig } = first?.fields ?? {};
  assert.deepEqual([temperature_c, power_w, power_cap, mig], [41, 70.12, 300, "Disabled"]);
  assert.equal("power_w" in (other?.fields ?? {}), false);
  const cap = act("power_cap", "0", { watts: 200 });
  assert.equal(gpus.done(cap, undefined, await gpus.evidence("0", "power_cap", signal)), "no");
  await gpus.act(cap);
  assert.equal(gpus.done(cap, undefined, await gpus.evidence("0", "power_cap", signal)), "yes");
  await assert.rejects(gpus.act(act("power_cap", "0", { watts: 900 })), {
    message: /not a valid power limit/,
  });
  assert.equal(await gpus.evidence("1", "power_cap", signal), undefined);
  assert.equal(readFileSync(`${program}.log`, "utf8"), "0 200\n");
  await assert.rejects(new NvidiaGpus(1000, join(dir, "none")).look(signal), /ENOENT/);
});

test("links are up, without a carrier, or down", async () => {
  const folder = join(dir, "net");
  const link = (name: string, files: Record<string, string>) => {
    mkdirSync(join(folder, name), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), `${text}\n`);
  };
  link("eth0", { operstate: "up", carrier: "1", speed: "1000", mtu: "1500", address: "02:00:00:00:00:01" });
  link("eth1", { operstate: "down", carrier: "0", speed: "-1", mtu: "1500", address: "02:00:00:00:00:02" });
  link("eth2", { operstate: "down", mtu: "1500", address: "02:00:00:00:00:03" });
  writeFileSync(join(folder, "bonding_masters"), "\n");
  const seen = (await new Links(1000, folder).look()).map(({ name, state, fields }) => [
    name,
    state,
    fields.speed_mbit,
  ]);
  assert.deepEqual(seen.sort(), [
    ["eth0", "up", 1000],
    ["eth1", "no-carrier", undefined],
    ["eth2", "down", undefined],
  ]);
});

test("what was packed anew meanwhile does not tell whether the model before it was brought", () => {
  const adapters = new Adapters(
    () => assert.fail("nobody is asked"),
    () => undefined,
  );
  const asked = act("import", "edge");
  const told = (model: string, state: string) => ({ model, state, name: "edge" });
  assert.equal(adapters.done(asked, told("a", "empty"), told("a", "ready")), "yes");
  assert.equal(adapters.done(asked, told("a", "empty"), told("a", "pending")), "no");
  assert.equal(adapters.done(asked, told("a", "empty"), told("b", "ready")), "unknown");
});

test("a pointer that moved tells whether it was moved by this act, and else nothing", () => {
  const adapters = new Adapters(
    () => assert.fail("nobody is asked"),
    () => undefined,
  );
  const told = (active: string, before: string, since_ms: number) => ({
    active,
    model: "",
    since_ms,
    before,
  });
  const was = told("a", "z", 1);
  for (const [verb, now, done] of [
    ["activate", told("b", "a", 2), "yes"],
    ["activate", told("c", "a", 2), "unknown"],
    ["activate", was, "no"],
    ["rollback", told("z", "", 2), "yes"],
    ["rollback", told("c", "a", 2), "unknown"],
    ["rollback", was, "no"],
  ] as const)
    assert.equal(adapters.done(act(verb, "b"), was, now), done, `${verb} ${now.active}`);
});
