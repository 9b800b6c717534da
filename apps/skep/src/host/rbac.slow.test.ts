import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FakeCluster } from "@skep/testing";
import { realClock } from "../clock.ts";
import { appendLine } from "../client/control.ts";
import { connect, homeTarget } from "../client/connect.ts";
import { ClusterApi } from "./k8s-api.ts";
import { Cluster } from "./k8s.ts";
import { rightsOf } from "./rbac.ts";
import { hostHive, until } from "./testing.ts";

const write = (path: string) => ({ path: `/host/k8s/node${path}`, verb: "write" });
const read = { path: "/host/k8s", verb: "read" };

/** What a user was granted in the cluster, and what a ticket of hers opens. */
const cases: readonly (readonly [grants: readonly string[], rights: readonly object[] | undefined])[] = [
  [[], undefined],
  [["alice list nodes"], [read]],
  [
    ["alice patch nodes/node-2", "alice create pods/eviction"],
    [write("/node-2/cordon"), write("/node-2/uncordon"), write("/node-2/drain")],
  ],
  [
    ["ops list nodes", "ops patch nodes", "alice create pods/eviction"],
    [read, write("")],
  ],
  [
    ["ops patch nodes"],
    ["node-1", "node-2"].flatMap((node) => [write(`/${node}/cordon`), write(`/${node}/uncordon`)]),
  ],
  [["bob patch nodes", "bob list nodes"], undefined],
];

test("what a user may do in a cluster is what her ticket opens here, and nothing more", async () => {
  await using cluster = new FakeCluster(["node-1", "node-2"]);
  const at = await hostHive();
  await using _hive = at;
  const tokenFile = join(at.folder, "token");
  writeFileSync(tokenFile, cluster.token);
  const url = await cluster.listen();
  const api = new ClusterApi({ api: url, tokenFile });
  const who = { user: "alice", groups: ["ops"] };
  for (const [grants, rights] of cases) {
    cluster.grants.clear();
    for (const grant of grants) cluster.grants.add(grant);
    const asked = rightsOf(api, who, AbortSignal.timeout(30_000));
    if (rights) assert.deepEqual(await asked, rights, grants.join());
    else await assert.rejects(asked, { code: "host-agent.nothing" }, grants.join());
  }

  at.start([new Cluster({ api: url, tokenFile, everyMs: 250, clock: realClock })]);
  await until("the nodes", async () =>
    /node-2/.test(await at.read("/host/alpha/names").catch(() => "")) ? true : undefined,
  );
  cluster.grants.clear();
  for (const grant of ["alice list nodes", "alice patch nodes/node-2"]) cluster.grants.add(grant);
  const { out } = await at.hive.skep([
    "ticket",
    "k8s",
    "--user",
    "alice",
    "--api",
    url,
    "--token-file",
    tokenFile,
  ]);
  await using alice = await connect({ ...homeTarget(at.hive.home, at.hive.env), aname: out.trim() });
  const { result } = await appendLine(alice, "/host/k8s/node/node-2/cordon", "now");
  const ended = await at.ended((result as { id: string }).id);
  assert.deepEqual([ended.state, ended.by], ["succeeded", "k8s/alice"]);
  assert.equal(cluster.nodes.get("node-2")?.unschedulable, true);
  await assert.rejects(appendLine(alice, "/host/k8s/node/node-2/drain", "now"), { kind: "denied" });
  await assert.rejects(appendLine(alice, "/host/k8s/node/node-1/cordon", "now"), { kind: "denied" });
  await assert.rejects(alice.readAll("/host/tickets/status"), { kind: "absent" });
  assert.match(String(await alice.readAll("/host/k8s/node/node-1/status")), /host=alpha state=ready/);
});

test("an API that refuses the reviewer is told with its reason", async () => {
  await using cluster = new FakeCluster([]);
  const api = new ClusterApi({ api: await cluster.listen() });
  const asked = rightsOf(api, { user: "alice", groups: [] }, AbortSignal.timeout(30_000));
  await assert.rejects(asked, { code: "host-agent.unseen", message: /Unauthorized/ });
});
