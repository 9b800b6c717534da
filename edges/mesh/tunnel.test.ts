import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Clock } from "@skep/clock";
import { createMesh, type Mesh, type MeshEvent, type MeshOptions } from "./mod.ts";

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return { stop: () => clearTimeout(timer) };
  },
};
const skip = spawnSync("openssl", ["version"]).error
  ? "openssl is not installed, which makes the certificate"
  : false;

function certificate(): { key: string; cert: string; pin: string } {
  const dir = mkdtempSync(join(tmpdir(), "skep-tls-"));
  const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
  const kind = [
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-subj",
    "/CN=relay.test",
  ];
  spawnSync("openssl", [
    "req",
    "-x509",
    ...kind,
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  const made = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  rmSync(dir, { recursive: true });
  const spki = createPublicKey(made.cert).export({ type: "spki", format: "der" });
  return { ...made, pin: createHash("sha256").update(spki).digest("hex") };
}

function mesh(name: string, options: Partial<MeshOptions> = {}): Promise<Mesh> {
  return createMesh({ key: createHash("sha256").update(name).digest(), clock, websocket: true, ...options });
}

async function stage() {
  const { key, cert, pin } = certificate();
  const server = await mesh("server", { listen: ["/ip4/127.0.0.1/tcp/0/tls/ws"], tls: { key, cert } });
  await server.handle("/t/echo", async (stream) => {
    for await (const bytes of stream) await stream.write(bytes);
  });
  const [, port = ""] = /\/tcp\/(\d+)\//.exec(server.listening()[0] ?? "") ?? [];
  return { server, cert, pin, place: `127.0.0.1:${port}` };
}

async function ask(from: Mesh, to: Mesh) {
  await using stream = await from.open(to.addresses(), "/t/echo");
  await stream.write(Buffer.from("through"));
  const { value } = await stream[Symbol.asyncIterator]().next();
  return {
    text: Buffer.from(value ?? []).toString(),
    transport: stream.transport,
    inspected: stream.inspected,
    address: stream.address,
  };
}

test("WebSocket over TLS works with the pinned key, whoever signed the certificate", { skip }, async () => {
  const { server, pin, place } = await stage();
  await using _ = server;
  await using client = await mesh("client", { pins: { [place]: pin } });
  const address = server.addresses()[0] ?? "";
  assert.deepEqual(await ask(client, server), {
    text: "through",
    transport: "wss",
    inspected: false,
    address,
  });
});

test("an authority of one's own is enough without a pin, and nothing is not", { skip }, async () => {
  const { server, cert } = await stage();
  await using _ = server;
  await using known = await mesh("known", { authorities: [cert] });
  assert.equal((await ask(known, server)).text, "through");
  await using client = await mesh("client");
  await assert.rejects(ask(client, server), { code: "mesh.unreachable" });
  assert.match(
    client.why(server.peer).at(-1) ?? "",
    /DEPTH_ZERO_SELF_SIGNED_CERT|self-signed|Cannot trust the TLS/,
  );
});

test("another key than the pinned one is told and refused, and marked where the owner allows it", {
  skip,
}, async () => {
  const { server, place, pin } = await stage();
  await using _ = server;
  const pins = { [place]: "00".repeat(32) };
  const lines: string[] = [];
  await using strict = await mesh("strict", { pins, log: (line) => lines.push(line) });
  const events: MeshEvent[] = [];
  strict.on((event) => events.push(event));
  await assert.rejects(ask(strict, server), { code: "mesh.unreachable" });
  const told = events.find(({ kind }) => kind === "inspected");
  assert.deepEqual(told && { ...told, at: 0 }, {
    at: 0,
    kind: "inspected",
    target: place,
    pinned: pins[place],
    seen: pin,
    allowed: false,
  });
  assert.match(lines.join(), /somebody on the way reads it/);
  await using lenient = await mesh("lenient", { pins, allowInspection: true });
  const asked = await ask(lenient, server);
  assert.deepEqual([asked.text, asked.inspected], ["through", true]);
  assert.equal(lenient.peers()[0]?.inspected, true);
});
