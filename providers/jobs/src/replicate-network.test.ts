import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf, placing } from "./replicate-network.ts";
import { type Rig, rig } from "./rig.test.ts";

const relay = "12D3KooWRelay";
const addresses: readonly (readonly [address: string, network: object])[] = [
  ["/ip4/203.0.113.9/tcp/4001", { ip4: "203.0.113.0" }],
  ["/ip4/203.0.113.9/udp/4001/quic-v1/p2p/12D3KooWFar", { ip4: "203.0.113.0" }],
  ["/ip6/2001:db8:7:1::2/tcp/4001", { ip6: "2001:db8:7::" }],
  ["/ip6/2001:0DB8:0007::/tcp/1", { ip6: "2001:db8:7::" }],
  ["/ip6/::1/tcp/1", { ip6: "0:0:0::" }],
  ["/ip6/::ffff:203.0.113.9/tcp/1", { ip4: "203.0.113.0" }],
  [`/ip4/198.51.100.7/tcp/4001/p2p/${relay}/p2p-circuit/p2p/12D3KooWFar`, { relay }],
  ["/p2p-circuit/p2p/12D3KooWFar", {}],
  ["/dns4/example.org/tcp/443", {}],
  ["/ip6/2001:db8/tcp/1", {}],
];
for (const [address, network] of addresses)
  test(`the network of ${address} is ${JSON.stringify(network)}`, () => {
    assert.deepEqual(networkOf(address), network);
  });

/** Tells the hive at which address it speaks to a machine. */
const place = (hive: Rig, worker: string, address: string | undefined) =>
  hive.kernel.system("jobs", "/jobs", { op: "place", worker }, (deciding) =>
    placing(worker, deciding as never, () => address),
  );

async function submitted(hive: Rig, replicas: number): Promise<string> {
  return await hive.submit({
    op: "submit",
    run: { kind: "wasm", module: "ab".repeat(32), replicas, where: { data: "public" } },
  });
}

function holders(hive: Rig, job: string): string[] {
  const slice = hive.kernel.slices.bound.find(({ provider }) => provider.name === "jobs")?.slice as {
    held: { get(id: string): readonly string[] | undefined };
  };
  return [...(slice.held.get(job) ?? [])].toSorted();
}

const pairs: readonly (readonly [name: string, one: string, other: string, both: boolean])[] = [
  ["of one IPv4 /24", "/ip4/203.0.113.9/tcp/1", "/ip4/203.0.113.200/tcp/1", false],
  ["of two IPv4 /24", "/ip4/203.0.113.9/tcp/1", "/ip4/203.0.114.9/tcp/1", true],
  ["of one IPv6 /48", "/ip6/2001:db8:7:1::2/tcp/1", "/ip6/2001:db8:7:ffff::9/tcp/1", false],
  ["of two IPv6 /48", "/ip6/2001:db8:7::2/tcp/1", "/ip6/2001:db8:8::2/tcp/1", true],
  [
    "behind one relay",
    `/ip4/1.2.3.4/tcp/1/p2p/${relay}/p2p-circuit`,
    `/ip4/5.6.7.8/tcp/1/p2p/${relay}/p2p-circuit`,
    false,
  ],
  [
    "behind two relays",
    `/ip4/1.2.3.4/tcp/1/p2p/${relay}/p2p-circuit`,
    `/ip4/1.2.3.4/tcp/1/p2p/${relay}2/p2p-circuit`,
    true,
  ],
];
for (const [name, one, other, both] of pairs)
  test(`two strangers ${name} ${both ? "answer" : "never answer"} one job together`, async () => {
    await using hive = await rig();
    for (const [id, address] of [
      ["a", one],
      ["b", other],
    ] as const) {
      hive.join(id, { machine: { class: "volunteer", owner: `owner-${id}` } });
      place(hive, id, address);
    }
    const job = await submitted(hive, 2);
    await hive.clock.advance(1000);
    assert.equal(holders(hive, job).length, both ? 2 : 1);
    const { wait } = await hive.status(job);
    if (!both)
      assert.equal(
        wait,
        "answer 2 of 2 needs a machine elsewhere: those left count as one with a machine that answers already",
      );
  });

test("the journal holds the network of a stranger and never its address, once, and none of a machine that was invited", async () => {
  await using hive = await rig();
  hive.join("a", { machine: { class: "volunteer" } });
  hive.join("b", { machine: { class: "borrowed" } });
  const seq = place(hive, "a", "/ip4/203.0.113.9/tcp/4001");
  assert.equal(place(hive, "a", "/ip4/203.0.113.77/tcp/9"), undefined);
  assert.equal(place(hive, "b", "/ip4/203.0.113.9/tcp/4001"), undefined);
  assert.equal(place(hive, "a", undefined), undefined);
  await hive.submit();
  const record = await hive.kernel.journal.record(seq ?? -1);
  assert.deepEqual(
    record.events.map(({ t, d }) => [t, d]),
    [["jobs:placed@1", { worker: "a", network: { ip4: "203.0.113.0" } }]],
  );
  assert.ok(!JSON.stringify(record).includes("203.0.113.9"));
});

test("machines of the hive's own are told apart by their owner alone", async () => {
  await using hive = await rig();
  for (const id of ["a", "b"]) {
    hive.join(id, { machine: { class: "borrowed", owner: `owner-${id}` } });
    place(hive, id, "/ip4/127.0.0.1/tcp/1");
  }
  const job = await submitted(hive, 2);
  await hive.clock.advance(1000);
  assert.deepEqual(holders(hive, job), ["a", "b"]);
});
