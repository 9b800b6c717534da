import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FakeCluster } from "@skep/testing";
import { realClock } from "../clock.ts";
import { Cluster } from "./k8s.ts";
import { FileMemory } from "../attached/memory.ts";
import { hostHive, until } from "./testing.ts";

const isThere = (at: Awaited<ReturnType<typeof hostHive>>) =>
  until("the host", async () =>
    /version=test/.test(await at.read("/host/alpha/info").catch(() => "")) ? true : undefined,
  );
const active = async (at: Awaited<ReturnType<typeof hostHive>>) =>
  JSON.parse(await at.read("/proc/lease/active.json")) as {
    holder: string;
    lease: string;
    until_ms: number;
  }[];

test("a GPU is leased, renewed and released through tickets of a host whose own ticket opens the leases", async () => {
  await using at = await hostHive(["/host/alpha:rw", "/proc:read", "/queen/lease/ctl:rw"]);
  at.start([]);
  await isThere(at);
  const ask = (id: string, verb: string, params: object) =>
    at.spec({ id, action: `gpu.lease.${verb}`, target: "GPU-0", params });
  assert.equal(await ask("t-1", "grant", { holder: "worker-7", lease_s: 60 }), "ok");
  assert.equal((await at.ended("t-1")).state, "succeeded");
  const [granted] = await active(at);
  assert.equal(granted?.holder, "worker-7");
  assert.equal(await ask("t-2", "grant", { holder: "worker-8", lease_s: 60 }), "ok");
  const { state, reason } = await at.ended("t-2");
  assert.deepEqual([state, /no unit is free/.test(String(reason))], ["failed", true]);
  assert.equal(await ask("t-3", "renew", { holder: "worker-7", lease_s: 600 }), "ok");
  assert.equal((await at.ended("t-3")).state, "succeeded");
  assert.ok(((await active(at))[0]?.until_ms ?? 0) > (granted?.until_ms ?? 0));
  assert.equal(await ask("t-4", "release", { holder: "worker-7" }), "ok");
  assert.equal((await at.ended("t-4")).state, "succeeded");
  assert.deepEqual(await active(at), []);
  for (const [params, wrong] of [
    [{ lease_s: 60 }, "host.params"],
    [{ holder: "worker-7", lease_s: 60, watts: 100 }, "host.params"],
  ] as const)
    assert.equal(await ask("t-5", "grant", params), wrong);
});

test("a lease that was granted before the agent was killed is told by its next start, and is not granted twice", async () => {
  await using at = await hostHive(["/host/alpha:rw", "/proc:read", "/queen/lease/ctl:rw"]);
  const memory = new FileMemory(at.folder);
  // Its memory says that it had begun, and the hive has the lease under the ticket's key already.
  const first = at.start([], { memory });
  await isThere(at);
  await first.stop();
  await at.spec({
    id: "t-1",
    action: "gpu.lease.grant",
    target: "GPU-0",
    params: { holder: "worker-7", lease_s: 60 },
  });
  const { incarnation } = JSON.parse(await at.read("/host/alpha/info.json")) as { incarnation: string };
  const say = (line: object) =>
    at.hive.hive.owner.append("/host/alpha/ctl", JSON.stringify({ incarnation, ...line }));
  await say({ op: "claim", ticket: "t-1" });
  await say({ op: "running", ticket: "t-1", before: {} });
  const grant = { op: "grant", resource: "gpu/GPU-0", holder: "worker-7", ttl_s: 60 };
  await at.hive.hive.owner.append("/queen/lease/ctl", JSON.stringify(grant));
  at.start([]);
  assert.equal((await at.ended("t-1")).state, "succeeded");
  assert.equal((await active(at)).length, 1);
});

test("an agent whose ticket does not open the leases grants none, and says so", async () => {
  await using at = await hostHive();
  at.start([]);
  await isThere(at);
  const params = { holder: "worker-7", lease_s: 60 };
  assert.equal(await at.spec({ id: "t-1", action: "gpu.lease.grant", target: "GPU-0", params }), "ok");
  const { state, reason } = await at.ended("t-1");
  assert.equal(state, "failed");
  assert.match(String(reason), /^Cannot /);
  assert.deepEqual(await active(at), []);
});

test("a lease of a cluster is taken once, renewed by its holder, and not taken from one whose lease runs", async () => {
  await using at = await hostHive();
  await using cluster = new FakeCluster(["node-1"]);
  const tokenFile = join(at.folder, "token");
  writeFileSync(tokenFile, cluster.token);
  at.start([new Cluster({ api: await cluster.listen(), tokenFile, everyMs: 250, clock: realClock })]);
  await isThere(at);
  const ask = async (id: string, holder: string) => {
    const params = { holder, lease_s: 60 };
    assert.equal(await at.spec({ id, action: "k8s.lease", target: "kube-system/leader", params }), "ok");
    return at.ended(id);
  };
  const { state, before, evidence } = await ask("t-1", "one");
  assert.deepEqual([state, (before as { holder: string }).holder], ["succeeded", ""]);
  assert.deepEqual(evidence, { resourceVersion: "1", holder: "one", ticket: "t-1" });
  const refused = await ask("t-2", "two");
  assert.deepEqual([refused.state, /one has it until/.test(String(refused.reason))], ["failed", true]);
  assert.equal((await ask("t-3", "one")).state, "succeeded");
  const { spec } = cluster.leases.get("kube-system/leader") as { spec: Record<string, unknown> };
  assert.deepEqual([spec.holderIdentity, spec.leaseDurationSeconds, spec.leaseTransitions], ["one", 60, 0]);
});
