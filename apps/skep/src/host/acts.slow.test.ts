import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FakeCluster, FakeEngine } from "@skep/testing";
import { realClock } from "../clock.ts";
import { Containers } from "./docker.ts";
import { Cluster } from "./k8s.ts";
import { hostHive, until } from "./testing.ts";

test("a container is restarted and stopped and a node drained through tickets, and their files show it", async () => {
  await using at = await hostHive();
  await using engine = new FakeEngine(["web"]);
  await using cluster = new FakeCluster(["node-1"]);
  const socket = join(at.folder, "engine.sock");
  await engine.listen(socket);
  const tokenFile = join(at.folder, "token");
  writeFileSync(tokenFile, cluster.token);
  cluster.add({ name: "a", node: "node-1", uid: "u-a" });
  const api = await cluster.listen();
  at.start([new Containers(250, socket), new Cluster({ api, tokenFile, everyMs: 250, clock: realClock })]);
  await until("the names", async () => {
    const names = await at.read("/host/alpha/names").catch(() => "");
    return /name=web/.test(names) && /name=node-1/.test(names) ? true : undefined;
  });
  for (const [id, action, target] of [
    ["t-1", "docker.restart", "web"],
    ["t-2", "k8s.drain", "node-1"],
  ] as const)
    assert.equal(await at.spec({ id, action, target }), "ok");
  const { state, before, evidence } = await at.ended("t-1");
  assert.equal(state, "succeeded");
  const started = (told: unknown) => (told as { StartedAt: string }).StartedAt;
  assert.ok(started(before) < started(evidence));
  assert.equal(await at.spec({ id: "t-3", action: "docker.stop", target: "web" }), "ok");
  assert.equal((await at.ended("t-3")).state, "succeeded");
  assert.deepEqual(engine.done, ["restart web", "stop web"]);
  const drained = (await at.ended("t-2")).evidence as Record<string, unknown>;
  assert.deepEqual([drained.unschedulable, drained.pods, drained.drained_by], [true, 0, "t-2"]);
  assert.deepEqual(cluster.evicted, ["a"]);
  await until("both files", async () => {
    const web = await at.read("/host/docker/web/status");
    const node = await at.read("/host/k8s/node/node-1/status");
    return /state=exited/.test(web) && /state=ready unschedulable=true pods=0/.test(node) ? true : undefined;
  });
});
