import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createMesh, type Mesh, ninepProtocol, peerOfKey } from "@skep/edge-mesh";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { realClock } from "../clock.ts";
import { type Daemon, startDaemon } from "../testing/daemon.ts";
import { makeTestPlace, type TestPlace } from "../testing/hive.ts";

let dir: string;
let place: TestPlace;
let daemon: Daemon;
const quiet = { SKEP_MESH_MDNS: "false", SKEP_MESH_PORT_MAPPING: "false" };

type Ready = { readonly host: string; readonly port: number; readonly peer: string };

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "skep-mesh-"));
  place = makeTestPlace();
  daemon = await startDaemon(place.home, { args: ["--mesh", "127.0.0.1:0"], env: quiet });
});

after(async () => {
  await daemon.kill("SIGTERM");
  await place[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const ready = (): Ready => daemon.ready.mesh as Ready;

function node(name: string): Promise<Mesh> {
  return createMesh({ key: createHash("sha256").update(name).digest(), clock: realClock, quic: true });
}

const addresses = (): string[] => [
  `/ip4/127.0.0.1/tcp/${ready().port}/p2p/${ready().peer}`,
  `/ip4/127.0.0.1/udp/${ready().port}/quic-v1/p2p/${ready().peer}`,
];

async function attach(mesh: Mesh, to: readonly string[], aname: string): Promise<Client> {
  const stream = await mesh.open(to, ninepProtocol);
  return await createClient(wireFromSocket(stream.socket()), { aname });
}

async function ticket(): Promise<string> {
  const { code, out, err } = await place.skep([
    "ticket",
    "mint",
    "--role",
    "observer",
    "--right",
    "/proc:read",
  ]);
  assert.equal(code, 0, err);
  return out.trim();
}

test("the daemon tells where its mesh is, and its name there comes from the key that signs its records", async () => {
  const { host, port, peer } = ready();
  assert.equal(host, "127.0.0.1");
  assert.ok(port > 0);
  const client = await daemon.connect();
  const self = JSON.parse((await client.readAll("/net/self.json")).toString()) as {
    key: string;
    peer: string;
  };
  await client[Symbol.asyncDispose]();
  assert.equal(self.peer, peer);
  assert.equal(peerOfKey(Buffer.from(self.key, "hex")), peer);
});

for (const [transport, at] of [
  ["tcp", 0],
  ["quic", 1],
] as const) {
  test(`9P over ${transport} shows what the ticket allows, and asks for one`, async () => {
    await using mesh = await node(transport);
    const to = addresses().slice(at, at + 1);
    await assert.rejects(attach(mesh, to, ""), { kind: "denied" });
    await using client = await attach(mesh, to, await ticket());
    assert.match((await client.readAll("/proc/lifecycle/state")).toString(), /ONLINE/);
    await assert.rejects(client.readAll("/audit/journal"), { kind: "absent" });
    assert.equal(mesh.peers()[0]?.transport, transport);
  });
}

test("without --mesh nothing listens, and libp2p is not loaded", async () => {
  await using quietPlace = makeTestPlace();
  await using other = await startDaemon(quietPlace.home);
  assert.equal(other.ready.mesh, undefined);
  const loaded = ({ pid }: Daemon) => readFileSync(`/proc/${pid}/maps`, "utf8").includes("libp2p");
  assert.deepEqual([loaded(daemon), loaded(other)], [true, false]);
  const client = await other.connect();
  assert.deepEqual(JSON.parse((await client.readAll("/net/self.json")).toString()).mesh, "off");
  await client[Symbol.asyncDispose]();
});
