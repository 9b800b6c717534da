import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createLab, FarNode, type Lab, labLacks, type Network } from "@skep/testing";

const lacks = labLacks();
const skip = lacks ?? false;
let lab: Lab;
let inet: Network;
let far: FarNode;
const nodes: FarNode[] = [];

before(async () => {
  if (skip) return;
  lab = createLab();
  inet = lab.network("inet");
  far = await FarNode.start(lab.host("far", inet, "5.1.0.1/8"), { name: "far" });
  nodes.push(far);
});
after(async () => {
  if (skip) return;
  for (const each of nodes) await each.end();
  await lab[Symbol.asyncDispose]();
});

// Each waits for its router most of the time.
suite("a router that maps ports", { concurrency: 3 }, () => {
  for (const [at, speaks] of (["pcp", "nat-pmp", "upnp"] as const).entries())
    test(`behind a router that speaks ${speaks} a node is reached from outside, without a relay`, {
      skip,
    }, async () => {
      const outside = `5.2.0.${at + 1}`;
      const lan = lab.nat(speaks, inet, { outside: `${outside}/8`, speaks });
      const host = lab.host(`behind ${speaks}`, lan, "192.168.1.2/24");
      const listen = ["/ip4/0.0.0.0/tcp/7781"];
      const hidden = await FarNode.start(host, { name: speaks, listen, upnp: true });
      nodes.push(hidden);
      const mine = (one: string) => one.startsWith(`/ip4/${outside}/tcp/2`);
      await hidden.until((event) => event.kind === "addresses" && event.addresses.some(mine), 40_000);
      const address = (await hidden.now()).find(mine);
      assert.ok(address, JSON.stringify(await hidden.now()));
      const asked = await far.ask([address]);
      assert.deepEqual([asked.path, asked.transport, asked.error], ["direct", "tcp", undefined]);
      if (speaks !== "upnp")
        assert.deepEqual(
          hidden.events.flatMap((event) => (event.kind === "mapped" ? [event.by] : [])),
          [speaks],
        );
    });
});
