import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Fault } from "@skep/fault";
import { defineProvider } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { decodeBundle, leafHash, openCheckpoint, parseVkey, rootFromTiles, tilePath } from "@skep/tlog";
import { createHttpEdge, type Health, type HttpOptions, type LogPort, portOf } from "./mod.ts";

const absent = () => new Fault("absent", "toy.absent", "Cannot find tile");

function toyPort(more: Partial<LogPort> = {}): LogPort {
  return {
    health: async () => ({ status: "ok", state: "ONLINE" }),
    checkpoint: async () => Buffer.from("toy\n0\n\n"),
    tile: async ({ level, index }) => {
      if (index > 0) throw absent();
      return Buffer.alloc(level === "entries" ? 5000 : 32, 7);
    },
    ...more,
  };
}

async function serving(t: TestContext, port: LogPort, options: Partial<HttpOptions> = {}) {
  const clock = simulatedClock();
  const edge = createHttpEdge(port, { clock, ...options });
  const at = await edge.listen({ host: "127.0.0.1", port: 0 });
  t.after(() => edge.close());
  return { clock, at, edge, url: `http://127.0.0.1:${at.port}` };
}

/** A request whose path and headers are sent as they are. */
function ask(port: number, path: string, headers: Record<string, string> = {}, method = "GET", body = "") {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
        );
      });
      asked.on("error", reject);
      asked.end(body);
    },
  );
}

test("each page has its type, its length and how long it may be kept", async (t) => {
  const { url } = await serving(t, toyPort());
  const told = async (path: string, method = "GET") => {
    const answer = await fetch(url + path, { method });
    const of = (name: string) => answer.headers.get(name);
    const body = await answer.bytes();
    return [answer.status, of("content-type"), of("cache-control"), of("content-length"), body.length];
  };
  const immutable = "public, max-age=31536000, immutable";
  const octets = "application/octet-stream";
  assert.deepEqual(await told("/checkpoint"), [200, "text/plain; charset=utf-8", "no-cache", "7", 7]);
  assert.deepEqual(await told("/tile/0/000"), [200, octets, immutable, "32", 32]);
  assert.deepEqual(await told("/tile/0/000.p/17"), [200, octets, immutable, "32", 32]);
  assert.deepEqual(await told("/healthz"), [200, "application/json", "no-store", "33", 33]);
  assert.deepEqual(await told("/tile/0/000", "HEAD"), [200, octets, immutable, "32", 0]);
});

test("what is no page of the log is not found, however it is spelled", async (t) => {
  const { at } = await serving(t, toyPort());
  const wrong = ["/", "/checkpoint/", "/tile", "/tile/0", "/tile/0/0", "/tile/0/001", "/tile/00/000"];
  const odd = ["/tile/64/000", "/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/0/x000/000", "/../checkpoint"];
  const more = ["/tile/0/000/", "//checkpoint", "/%63heckpoint", "/tile/entries/000.p/", "/audit/checkpoint"];
  for (const path of [...wrong, ...odd, ...more]) assert.equal((await ask(at.port, path)).status, 404, path);
  assert.equal((await ask(at.port, "/checkpoint?x=1")).status, 200);
});

test("only GET and HEAD without a body are taken", async (t) => {
  const { at } = await serving(t, toyPort());
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    const answer = await ask(at.port, "/checkpoint", {}, method);
    assert.deepEqual([answer.status, answer.headers.allow], [405, "GET, HEAD"], method);
  }
  assert.equal((await ask(at.port, "/checkpoint", { "Content-Length": "3" }, "GET", "abc")).status, 400);
});

test("a name of another site that leads here is refused, those of a proxy are configured", async (t) => {
  const { at } = await serving(t, toyPort(), { hosts: ["log.example.org"] });
  const status = async (Host: string) => (await ask(at.port, "/checkpoint", { Host })).status;
  for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"])
    assert.equal(await status(host), 403, host);
  for (const host of ["localhost:1", "127.0.0.1", "[::1]:7780", "LOG.example.org"])
    assert.equal(await status(host), 200, host);
});

test("bundles are compressed for who takes gzip, and only for them", async (t) => {
  const { at } = await serving(t, toyPort());
  const encoding = async (accepted: string) => {
    const answer = await ask(at.port, "/tile/entries/000", { "Accept-Encoding": accepted });
    assert.equal(answer.headers.vary, "Accept-Encoding");
    assert.equal(answer.headers["content-length"], String(answer.body.length));
    const zipped = answer.headers["content-encoding"] === "gzip";
    assert.equal((zipped ? gunzipSync(answer.body) : answer.body).length, 5000);
    return zipped;
  };
  for (const accepted of ["gzip", "identity, gzip", "br;q=1, gzip;q=0.5", "*"])
    assert.equal(await encoding(accepted), true, accepted);
  for (const accepted of ["identity", "br", "gzip;q=0", "gzip; q=0.0, br", "xgzip", "gzipx"])
    assert.equal(await encoding(accepted), false, accepted);
});

test("health is 503 unless the hive works, and an internal error tells nothing", async (t) => {
  let health: Health = { status: "unavailable", state: "DRAINING" };
  const port = toyPort({
    health: async () => health,
    checkpoint: async () => {
      throw new Error("the secret path /home/x");
    },
  });
  const reported: Fault[] = [];
  const { url } = await serving(t, port, { report: (fault) => reported.push(fault) });
  const first = await fetch(`${url}/healthz`);
  assert.deepEqual([first.status, await first.json()], [503, health]);
  health = { status: "ok", state: "DEGRADED" };
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const broken = await fetch(`${url}/checkpoint`);
  assert.deepEqual([broken.status, await broken.text()], [500, "internal: Cannot go on: internal error\n"]);
  assert.match(String(reported[0]?.cause), /secret/);
});

test("more requests than are answered at a time get 503 at once", async (t) => {
  const held = Promise.withResolvers<Uint8Array>();
  const { at } = await serving(t, toyPort({ checkpoint: () => held.promise }), { answering: 2 });
  const waiting = [ask(at.port, "/checkpoint"), ask(at.port, "/checkpoint")];
  let refused = await ask(at.port, "/tile/0/000");
  while (refused.status === 200) refused = await ask(at.port, "/tile/0/000");
  assert.deepEqual([refused.status, refused.headers["retry-after"]], [503, "1"]);
  held.resolve(Buffer.from("note"));
  for (const answer of await Promise.all(waiting)) assert.equal(answer.body.toString(), "note");
  assert.equal((await ask(at.port, "/tile/0/000")).status, 200);
});

test("a client that does not take its answer is cut off", async (t) => {
  const big = Buffer.alloc(16_000_000);
  const { at, clock } = await serving(t, toyPort({ tile: async () => big }));
  const slow = connect(at.port, "127.0.0.1");
  t.after(() => slow.destroy());
  slow.write("GET /tile/entries/000 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await new Promise((done) => slow.once("readable", done));
  const cut = new Promise((done) => slow.once("close", done));
  clock.advance(60_000);
  let taken = 0;
  slow.on("data", (part: Buffer) => {
    taken += part.length;
  });
  slow.on("error", () => undefined);
  await cut;
  assert.ok(taken < big.length, String(taken));
});

test("only loopback is listened on, and an address in use is named", async (t) => {
  const { at } = await serving(t, toyPort());
  const other = createHttpEdge(toyPort(), { clock: simulatedClock() });
  for (const host of ["0.0.0.0", "::", "192.168.1.1", "example.org"])
    await assert.rejects(other.listen({ host, port: 0 }), { code: "http.wide" });
  await assert.rejects(other.listen(at), { code: "http.taken" });
  await other.close();
});

test("the port reads the files of a session and nothing else", async (t) => {
  let state = "ONLINE";
  const toy = defineProvider({
    name: "audit",
    doc: "A log that plays",
    initial: () => ({}),
    events: {},
    mounts: (b) => ({
      "/audit/checkpoint": b.text("The signed note", { render: () => "note\n" }),
      "/audit/tile/entries": b.each(
        "Bundles",
        "index",
        { list: () => [], has: (name) => name === "000" },
        b.text("A bundle", { render: () => new Uint8Array(2_000_000) }),
      ),
      "/proc/lifecycle/state": b.text("The state", { render: () => `state=${state}\n` }),
    }),
  });
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock, providers: [toy] });
  t.after(() => kernel.close());
  const session = kernel.attach(
    toyAuthority("http", { "/audit": ["read"], "/proc/lifecycle": ["read"] }),
    "http",
  );
  const { at } = await serving(t, portOf(session));
  assert.equal((await ask(at.port, "/checkpoint")).body.toString(), "note\n");
  assert.equal((await ask(at.port, "/tile/entries/000")).body.length, 2_000_000);
  assert.equal((await ask(at.port, "/tile/entries/001")).status, 404);
  assert.equal((await ask(at.port, "/tile/0/000")).status, 404);
  assert.equal((await ask(at.port, "/healthz")).body.toString(), '{"status":"ok","state":"ONLINE"}\n');
  state = "QUIESCED";
  assert.equal((await ask(at.port, "/healthz")).status, 503);
  session.close();
  assert.equal((await ask(at.port, "/healthz")).status, 503);
});

const vectors = join(import.meta.dirname, "../../../shared/vectors/tlog/tessera-15");
const skip = existsSync(vectors) ? false : "the vectors of the project are not here";
test("a published log is checked from its pages alone", { skip }, async (t) => {
  const file = async (path: string) => {
    try {
      return readFileSync(join(vectors, path));
    } catch {
      throw absent();
    }
  };
  const port = toyPort({ checkpoint: () => file("checkpoint"), tile: (id) => file(tilePath(id)) });
  const { url } = await serving(t, port);
  const get = async (path: string) => (await fetch(`${url}/${path}`)).bytes();
  const log = parseVkey(readFileSync(join(vectors, "vkey.txt"), "utf8").trim());
  const note = Buffer.from(await get("checkpoint")).toString();
  const { checkpoint } = openCheckpoint(note, { logs: [log] });
  const size = checkpoint.size;
  const root = await rootFromTiles(size, (level, index, width) => get(tilePath({ level, index, width })));
  assert.deepEqual(Buffer.from(root), Buffer.from(checkpoint.root));
  const entries = decodeBundle(await get(tilePath({ level: "entries", index: 0, width: size })));
  const leaves = await get(tilePath({ level: 0, index: 0, width: size }));
  assert.deepEqual(Buffer.concat(entries.map((entry) => leafHash(entry))), Buffer.from(leaves));
});
