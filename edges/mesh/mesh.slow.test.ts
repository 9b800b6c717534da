import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Clock } from "@skep/clock";
import { inOrder } from "./addresses.ts";
import { createMesh, type Mesh, type MeshEvent, type MeshOptions, type MeshStream } from "./mod.ts";

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return { stop: () => clearTimeout(timer) };
  },
};

const seed = (name: string) => createHash("sha256").update(name).digest();
const tcp = ["/ip4/127.0.0.1/tcp/0"];

function mesh(name: string, options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return createMesh({ key: seed(name), clock, listen: tcp, ...options });
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const bytes of stream) parts.push(bytes);
  return Buffer.concat(parts).toString();
}

async function echo(stream: MeshStream): Promise<void> {
  for await (const bytes of stream) await stream.write(bytes);
}

function until(on: Mesh, wanted: (event: MeshEvent) => boolean): Promise<MeshEvent> {
  return new Promise((resolve) => {
    const end = on.on((event) => {
      if (!wanted(event)) return;
      end();
      resolve(event);
    });
  });
}

test("a stream carries bytes both ways, and each side knows who the other is", async () => {
  await using left = await mesh("left");
  await using right = await mesh("right");
  let seen = "";
  await right.handle("/t/echo", async (stream) => {
    seen = stream.peer;
    await echo(stream);
  });
  await using stream = await left.open(right.addresses(), "/t/echo");
  assert.equal(stream.peer, right.peer);
  assert.equal(stream.path, "direct");
  assert.equal(stream.transport, "tcp");
  const answers = stream[Symbol.asyncIterator]();
  await stream.write(Buffer.from("hello"));
  assert.equal(Buffer.from((await answers.next()).value).toString(), "hello");
  assert.equal(seen, left.peer);
});

for (const [transport, listen] of [
  ["tcp", "/ip4/127.0.0.1/tcp/0"],
  ["quic", "/ip4/127.0.0.1/udp/0/quic-v1"],
  ["ws", "/ip4/127.0.0.1/tcp/0/ws"],
] as const) {
  test(`what was written before the end arrives whole over ${transport}, with a slow reader`, async () => {
    const options = { quic: true, websocket: true };
    await using left = await mesh(`left ${transport}`, { ...options, listen: [] });
    await using right = await mesh(`right ${transport}`, { ...options, listen: [listen] });
    const size = 8 * 1024 * 1024;
    const sum = Promise.withResolvers<number>();
    await right.handle("/t/sink", async (stream) => {
      let got = 0;
      for await (const bytes of stream) {
        got += bytes.length;
        if (got % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      sum.resolve(got);
    });
    const stream = await left.open(right.addresses(), "/t/sink");
    assert.equal(stream.transport, transport);
    for (let sent = 0; sent < size; sent += 65_536) await stream.write(Buffer.alloc(65_536, 7));
    await stream.close();
    assert.equal(await sum.promise, size);
    assert.equal(await stream.closed, undefined);
  });
}

test("a protocol that nobody speaks, a peer that nobody knows and one that is gone have each their own fault", async () => {
  await using left = await mesh("left");
  const right = await mesh("right");
  const addresses = right.addresses();
  await assert.rejects(left.open(addresses, "/t/none"), { code: "mesh.protocol" });
  await right.close();
  await assert.rejects(left.open(addresses, "/t/none"), { code: "mesh.unreachable" });
  await assert.rejects(left.open("12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN", "/t/none"), {
    code: "mesh.unknown",
  });
  await assert.rejects(left.open("/ip4/127.0.0.1/tcp/1", "/t/none"), { code: "mesh.address" });
});

test("a dial that fails is one event with its target, transport, time and root cause", async () => {
  await using left = await mesh("left");
  const failed = until(left, ({ kind }) => kind === "dial-failed");
  const target = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
  await assert.rejects(left.open(target, "/t/none"), { code: "mesh.unreachable" });
  const { at, ...event } = await failed;
  assert.ok(at > 0 && event.kind === "dial-failed" && event.duration_ms >= 0);
  assert.deepEqual(
    { ...event, duration_ms: 0 },
    { kind: "dial-failed", target, transport: "tcp", duration_ms: 0, cause: "ECONNREFUSED" },
  );
});

test("a node that listens on nothing is reached through a relay, whose reservation it announces", async () => {
  await using relay = await mesh("relay", { relay: true });
  await using hidden = await mesh("hidden", { listen: [], relays: relay.addresses() });
  await hidden.handle("/t/echo", echo);
  const active = until(hidden, (event) => event.kind === "reservation" && event.state === "active");
  await active;
  const addresses = hidden.addresses();
  assert.deepEqual(addresses, [`${relay.addresses()[0]}/p2p-circuit/p2p/${hidden.peer}`]);
  await using far = await mesh("far", { listen: [] });
  const stream = await far.open(addresses, "/t/echo");
  assert.equal(stream.path, "relayed");
  await stream.write(Buffer.from("round"));
  const answers = stream[Symbol.asyncIterator]();
  assert.equal(Buffer.from((await answers.next()).value).toString(), "round");
  assert.match(
    far.peers().find(({ peer }) => peer === hidden.peer)?.why ?? "",
    /^relayed: it names no address of its own/,
  );
  await stream.close();
});

test("who is asked through a relay and can reach the asker does so, and streams go on where they began", async () => {
  await using relay = await mesh("relay", { relay: true });
  await using hidden = await mesh("hidden", { listen: [], relays: relay.addresses() });
  await hidden.handle("/t/echo", echo);
  await until(hidden, (event) => event.kind === "reservation" && event.state === "active");
  await using open = await mesh("open");
  const direct = until(
    open,
    (event) => event.kind === "path" && event.to === "direct" && event.peer === hidden.peer,
  );
  const first = await open.open(hidden.addresses(), "/t/echo");
  const began = first.path;
  await direct;
  assert.equal(began, "relayed");
  assert.ok(first.superseded.aborted);
  await first.write(Buffer.from("still"));
  assert.equal(Buffer.from((await first[Symbol.asyncIterator]().next()).value).toString(), "still");
  await using second = await open.open(hidden.peer, "/t/echo");
  assert.equal(second.path, "direct");
  await first.close();
});

test("a relay that is lost is replaced by another, and the name stays", async () => {
  const first = await mesh("relay one", { relay: true });
  await using second = await mesh("relay two", { relay: true });
  await using hidden = await mesh("hidden", {
    listen: [],
    relays: [...first.addresses(), ...second.addresses()],
  });
  const states: string[] = [];
  hidden.on((event) => {
    if (event.kind === "reservation")
      states.push(`${event.relay === first.peer ? "one" : "two"} ${event.state}`);
  });
  await until(hidden, (event) => event.kind === "reservation" && event.state === "active");
  const { peer } = hidden;
  const again = until(hidden, (event) => event.kind === "reservation" && event.state === "active");
  await first.close();
  await again;
  assert.deepEqual(states.slice(-4), ["one active", "one lost", "two requesting", "two active"]);
  assert.match(hidden.addresses()[0] ?? "", new RegExp(`/p2p/${second.peer}/p2p-circuit/p2p/${peer}$`));
});

test("records tell who has what, also across two networks that meet", async () => {
  const options = { dht: true };
  await using a = await mesh("a", options);
  await using b = await mesh("b", { ...options, bootstrap: a.addresses() });
  await using c = await mesh("c", options);
  await using d = await mesh("d", { ...options, bootstrap: c.addresses() });
  await b.provide("/skep/capability/x86_64/wasm");
  const whoHas = async (one: Mesh) => {
    const found: string[] = [];
    for await (const { peer } of one.find("/skep/capability/x86_64/wasm", AbortSignal.timeout(3000)))
      found.push(peer);
    return found;
  };
  const found = async (one: Mesh) => {
    for (let tries = 0; tries < 50; tries++) {
      const who = await whoHas(one);
      if (who.length > 0) return who;
      await new Promise((resolve) => clock.after(100, () => resolve(undefined)));
    }
    return [];
  };
  assert.deepEqual(await found(a), [b.peer]);
  assert.deepEqual(await whoHas(d), []);
  a.keep(c.addresses());
  assert.deepEqual(await found(d), [b.peer]);
});

test("a port that is taken is told by its address", async () => {
  await using first = await mesh("first");
  const [taken = ""] = first.listening();
  await assert.rejects(mesh("second", { listen: [taken] }), { code: "mesh.taken" });
});

test("a key that is not 32 bytes is refused before anything is opened", async () => {
  await assert.rejects(createMesh({ key: Buffer.alloc(31), clock }), { code: "mesh.key" });
});

test("whoever does not speak a request's language in time is let go", async () => {
  await using left = await mesh("left");
  await using right = await mesh("right");
  await right.handle("/t/all", async (stream) => {
    assert.equal(await all(stream), "");
  });
  await using stream = await left.open(right.addresses(), "/t/all");
  await stream.close();
  assert.equal(await stream.closed, undefined);
});

test("a protocol's streams are counted for each peer, and a relay's circuits too", async () => {
  await using relay = await mesh("narrow relay", { relay: { perPeer: 1 } });
  await using first = await mesh("first hidden", { listen: [], relays: relay.addresses() });
  await using second = await mesh("second hidden", { listen: [], relays: relay.addresses() });
  for (const one of [first, second]) {
    await one.handle("/t/echo", echo, { streams: 1 });
    if (one.addresses().length === 0)
      await until(one, (event) => event.kind === "reservation" && event.state === "active");
  }
  await using far = await mesh("greedy", { listen: [] });
  await using held = await far.open(first.addresses(), "/t/echo");
  assert.equal(held.path, "relayed");
  const answers = held[Symbol.asyncIterator]();
  const round = async () => {
    await held.write(Buffer.from("still"));
    return Buffer.from((await answers.next()).value).toString();
  };
  assert.equal(await round(), "still");
  await assert.rejects(far.open(second.addresses(), "/t/echo"), { code: "mesh.unreachable" });
  const more = await far.open(first.peer, "/t/echo");
  await more.write(Buffer.from("too many")).catch(() => undefined);
  assert.notEqual(await more.closed, undefined);
  assert.equal(await round(), "still");
});

test("addresses wait for those before them, and a relay less where nobody else is in sight", () => {
  const peer = "/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
  const relayed = `/ip4/5.0.0.9/tcp/1${peer}/p2p-circuit${peer}`;
  const waits = (...addresses: string[]) => inOrder(addresses).map(({ address, wait }) => [address, wait]);
  const [open, near] = ["/ip4/5.0.0.1/tcp/1", "/ip4/192.168.0.1/tcp/1"];
  const quic = "/ip4/5.0.0.1/udp/1/quic-v1";
  assert.deepEqual(waits(relayed, quic, near, open, open), [
    [open, 0],
    [near, 0],
    [quic, 250],
    [relayed, 800],
  ]);
  assert.deepEqual(waits(relayed, near), [
    [near, 0],
    [relayed, 300],
  ]);
  assert.deepEqual(waits(relayed), [[relayed, 0]]);
});
