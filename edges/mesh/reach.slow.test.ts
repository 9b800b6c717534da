import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createLab, FarNode, type Host, type Lab, labLacks, type Network } from "@skep/testing";

const lacks = labLacks();
const skip = lacks ?? false;
let lab: Lab;
let inet: Network;
let far: FarNode;
const nodes: FarNode[] = [];
const listen = ["/ip4/0.0.0.0/tcp/7781"];

async function node(host: Host, more: object = {}): Promise<FarNode> {
  const made = await FarNode.start(host, { name: host.name, listen, autonat: true, ...more });
  nodes.push(made);
  return made;
}

before(async () => {
  if (skip) return;
  lab = createLab();
  inet = lab.network("inet");
  far = await node(lab.host("far", inet, "5.1.0.1/8"));
});
after(async () => {
  if (skip) return;
  for (const each of nodes) await each.end();
  await lab[Symbol.asyncDispose]();
});

async function learns(host: Host): Promise<{ made: FarNode; state: string; address: string }> {
  const made = await node(host, { bootstrap: far.addresses });
  const event = await made.until(({ kind }) => kind === "reachability");
  assert.ok(event.kind === "reachability" && event.by === far.peer);
  return { made, state: event.state, address: event.address };
}

test("a node with an address of its own learns that it is public", { skip }, async () => {
  const { state, address } = await learns(lab.host("open", inet, "5.1.1.1/8"));
  assert.deepEqual([state, address], ["public", "/ip4/5.1.1.1/tcp/7781"]);
});

test("a node behind a router learns that it is private, and announces nothing of the router's", {
  skip,
}, async () => {
  const lan = lab.nat("nat one", inet, { outside: "5.2.0.1/8" });
  const { made, state, address } = await learns(lab.host("hidden", lan, "192.168.1.2/24"));
  assert.deepEqual([state, address], ["private", "/ip4/5.2.0.1/tcp/7781"]);
  assert.ok((await made.now()).every((one) => !one.includes("5.2.0.1")));
  // The question did not disturb the connection over which it was asked.
  assert.equal((await made.ask(far.peer)).error, undefined);
});

test("a node to which the router forwards learns its public address, and is reached there", {
  skip,
}, async () => {
  const forwards = { port: 7781, to: "192.168.1.2" };
  const lan = lab.nat("nat two", inet, { outside: "5.2.0.2/8", forwards });
  const { made, state, address } = await learns(lab.host("forwarded", lan, "192.168.1.2/24"));
  assert.deepEqual([state, address], ["public", "/ip4/5.2.0.2/tcp/7781"]);
  const other = await node(lab.host("other", inet, "5.1.1.2/8"));
  const told = (await made.now()).find((one) => one.startsWith(address));
  assert.deepEqual((await other.ask([told ?? ""])).path, "direct");
});

test("the port of another machine behind the same router is not taken for one's own", { skip }, async () => {
  const forwards = { port: 7781, to: "192.168.1.3" };
  const lan = lab.nat("nat three", inet, { outside: "5.2.0.3/8", forwards });
  await node(lab.host("neighbour", lan, "192.168.1.3/24"));
  const { state } = await learns(lab.host("shadowed", lan, "192.168.1.2/24"));
  assert.equal(state, "private");
});
