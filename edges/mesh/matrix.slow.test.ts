import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createLab, FarNode, type Host, type Lab, labLacks, type Network } from "@skep/testing";

const lacking = labLacks();
const skip = lacking === undefined ? false : lacking;
const both = [
  "/ip4/0.0.0.0/tcp/7781",
  "/ip4/0.0.0.0/udp/7781/quic-v1",
  "/ip6/::/tcp/7781",
  "/ip6/::/udp/7781/quic-v1",
];

let lab: Lab;
let inet: Network;
let relay: FarNode;
const rows: string[] = [];
const nodes: FarNode[] = [];

async function node(host: Host, name: string, more: object = {}): Promise<FarNode> {
  const made = await FarNode.start(host, {
    name,
    listen: both,
    quic: true,
    websocket: true,
    relays: relay.addresses,
    ...more,
  });
  nodes.push(made);
  return made;
}

/** A node that its relay knows: what others need to reach it. */
async function reachable(host: Host, name: string, more: object = {}): Promise<FarNode> {
  const made = await node(host, name, more);
  await made.until((event) => event.kind === "reservation" && event.state === "active");
  return made;
}

before(async () => {
  if (skip) return;
  lab = createLab();
  inet = lab.network("inet");
  const host = lab.host("relay", inet, "5.1.0.1/8", "2a00:1::1/32");
  relay = await FarNode.start(host, {
    name: "relay",
    listen: [...both, "/ip4/0.0.0.0/tcp/443/ws"],
    relay: true,
    quic: true,
    websocket: true,
  });
  nodes.push(relay);
});

after(async () => {
  if (skip) return;
  for (const each of nodes) await each.end();
  await lab[Symbol.asyncDispose]();
  process.stdout.write(
    `\n| pair | path | over | opened ms | round trip ms | direct after ms |\n|-|-|-|-|-|-|\n${rows.join("\n")}\n`,
  );
});

function row(
  pair: string,
  { path, transport, opened, rtt }: Awaited<ReturnType<FarNode["ask"]>>,
  upgraded = "",
): void {
  rows.push(`| ${pair} | ${path} | ${transport} | ${opened.toFixed(0)} | ${rtt?.toFixed(2)} | ${upgraded} |`);
}

test("a public listener is reached directly, by TCP", { skip }, async () => {
  const left = await node(lab.host("a", inet, "5.1.1.1/8"), "public left");
  const right = await reachable(lab.host("b", inet, "5.1.1.2/8"), "public right");
  const asked = await left.ask(await right.now(), 50);
  assert.deepEqual([asked.path, asked.transport, asked.error], ["direct", "tcp", undefined]);
  row("public - public", asked);
});

test("from behind a NAT a public listener is reached directly", { skip }, async () => {
  const lan = lab.nat("nat one", inet, { outside: "5.2.0.1/8" });
  const left = await node(lab.host("c", lan, "192.168.1.2/24"), "behind one");
  const right = await reachable(lab.host("d", inet, "5.1.1.3/8"), "public two");
  const asked = await left.ask(await right.now(), 50);
  assert.deepEqual([asked.path, asked.transport], ["direct", "tcp"]);
  row("NAT - public", asked);
});

test("who is behind a NAT answers a public dialler through the relay and then directly", {
  skip,
}, async () => {
  const lan = lab.nat("nat two", inet, { outside: "5.2.0.2/8" });
  const right = await reachable(lab.host("e", lan, "192.168.1.2/24"), "behind two");
  const left = await node(lab.host("f", inet, "5.1.1.4/8"), "public three");
  const begun = performance.now();
  const first = await left.ask(
    (await right.now()).filter((one) => one.includes("p2p-circuit")),
    5,
  );
  await left.until((event) => event.kind === "path" && event.peer === right.peer && event.to === "direct");
  const upgraded = (performance.now() - begun).toFixed(0);
  const asked = await left.ask(right.peer, 50);
  assert.equal(first.error, undefined);
  assert.equal(asked.path, "direct");
  row("public - NAT", { ...asked, opened: first.opened }, upgraded);
});

test("two behind NATs meet at the relay, and can say why", { skip }, async () => {
  const one = lab.nat("nat three", inet, { outside: "5.2.0.3/8" });
  const two = lab.nat("nat four", inet, { outside: "5.2.0.4/8", inside: "192.168.2.1/24" });
  const left = await node(lab.host("g", one, "192.168.1.2/24"), "behind three");
  const right = await reachable(lab.host("h", two, "192.168.2.2/24"), "behind four");
  const asked = await left.ask(await right.now(), 50);
  assert.deepEqual([asked.path, asked.transport, asked.error], ["relayed", "relay", undefined]);
  await left.until((event) => event.kind === "dial-failed" && event.target.includes("192.168.2.2"));
  assert.match(
    (await left.why(right.peer))[0] ?? "",
    /^relayed: none of its own addresses answered: .*192\.168\.2\.2/,
  );
  row("NAT - NAT", asked);
});

test("on one LAN a peer is found by its name alone, by mDNS, within 3 s", { skip }, async () => {
  const lan = lab.nat("nat five", inet, { outside: "5.2.0.5/8" });
  const options = { mdns: true, relays: [] };
  const right = await node(lab.host("i", lan, "192.168.1.3/24"), "lan right", options);
  const begun = performance.now();
  const left = await node(lab.host("j", lan, "192.168.1.2/24"), "lan left", options);
  const started = performance.now() - begun;
  const asked = await left.ask(right.peer, 50);
  assert.deepEqual([asked.path, asked.error], ["direct", undefined]);
  assert.ok(asked.opened < 3000, `${asked.opened} ms`);
  row(`LAN, mDNS only (node started in ${started.toFixed(0)} ms)`, asked);
});

test("where UDP is blocked TCP does it", { skip }, async () => {
  const host = lab.host("k", inet, "5.1.1.5/8");
  host.blockUdp();
  const left = await node(host, "no udp");
  const right = await reachable(lab.host("l", inet, "5.1.1.6/8"), "public four");
  const asked = await left.ask(await right.now(), 50);
  assert.deepEqual([asked.path, asked.transport], ["direct", "tcp"]);
  row("UDP blocked - public", asked);
});

test("where TCP to the listener is blocked QUIC does it", { skip }, async () => {
  const host = lab.host("m", inet, "5.1.1.7/8");
  const right = await reachable(lab.host("n", inet, "5.1.1.8/8"), "public five");
  host.run(
    "nft",
    "add table inet t; add chain inet t o { type filter hook output priority 0; }; add rule inet t o ip daddr 5.1.1.8 meta l4proto tcp drop",
  );
  const left = await node(host, "no tcp");
  const asked = await left.ask(
    (await right.now()).filter((one) => !one.includes("p2p-circuit")),
    50,
  );
  assert.deepEqual([asked.path, asked.transport], ["direct", "quic"]);
  row("TCP blocked - public", asked);
});

test("where only port 443 is open a WebSocket relay does it", { skip }, async () => {
  const lan = lab.nat("nat six", inet, { outside: "5.2.0.6/8", lets: "443" });
  const right = await reachable(lab.host("o", inet, "5.1.1.9/8"), "public six");
  const web = (await relay.now()).filter((one) => one.includes("/443/"));
  const left = await node(lab.host("p", lan, "192.168.1.2/24"), "only 443", { relays: web });
  await left.until((event) => event.kind === "reservation" && event.state === "active");
  const through = web.map((one) => `${one}/p2p-circuit/p2p/${right.peer}`);
  const asked = await left.ask([...through, ...(await right.now())], 50);
  assert.deepEqual([asked.path, asked.error], ["relayed", undefined]);
  row("only 443 - public, WebSocket relay", asked);
});

test("IPv6 alone is enough", { skip }, async () => {
  const left = await node(lab.host("q", inet, "2a00:1::11/32"), "six left");
  const right = await reachable(lab.host("r", inet, "2a00:1::12/32"), "six right");
  const asked = await left.ask(await right.now(), 50);
  assert.deepEqual([asked.path, asked.transport], ["direct", "tcp"]);
  assert.match(asked.address, /^\/ip6\//);
  row("IPv6 - IPv6", asked);
});

test("a direct path that dies is replaced by the relay within 10 s", { skip }, async () => {
  const [from, to] = [lab.host("s", inet, "5.1.1.10/8"), lab.host("t", inet, "5.1.1.11/8")];
  const left = await node(from, "cut left");
  const right = await reachable(to, "cut right");
  assert.equal((await left.hold(await right.now())).path, "direct");
  const heal = from.cut("5.1.1.11");
  const begun = performance.now();
  await left.until((event) => event.kind === "path" && event.peer === right.peer && event.from === "direct");
  const asked = await left.ask(right.peer, 5);
  const took = performance.now() - begun;
  assert.deepEqual([asked.path, asked.error], ["relayed", undefined]);
  assert.ok(took < 10_000, `${took} ms`);
  rows.push(`| direct path dropped silently, asked again by relay after ${took.toFixed(0)} ms | | | | | |`);
  const seen = left.events.length;
  heal();
  const healed = performance.now();
  await left.until(
    (event) => event.kind === "path" && event.peer === right.peer && event.to === "direct",
    60_000,
    seen,
  );
  rows.push(
    `| the direct path healed and was taken again after ${(performance.now() - healed).toFixed(0)} ms | | | | | |`,
  );
});
