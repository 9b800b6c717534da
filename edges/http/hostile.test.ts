import assert from "node:assert/strict";
import { connect, type Socket as Plain } from "node:net";
import { type TestContext, test } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { createRoot, mint, narrow, verify } from "@skep/ticket";
import type { HttpOptions } from "./edge.ts";
import { send, startRig } from "./testing.ts";

const root = createRoot(Buffer.alloc(32, 3));
const roots = { rootPublicKeys: [root.publicKey] };

async function rig(t: TestContext, more: Partial<HttpOptions> = {}) {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  const made = await startRig(t, {
    clock,
    kernel,
    more,
    tickets: async (token) => {
      if (token === "log" || token === "queen") return fullAuthority("owner", "queen", token);
      const { subject, role, expiresAt, blocks, ...ticket } = await verify(token, {
        ...roots,
        now: kernel.time.now(),
        hive: "toy",
      });
      return {
        subject,
        role,
        expiresAt,
        blocks: blocks.map(({ id }) => ({ id })),
        allows: (path, verb) => ticket.allows(path, verb),
        touches: (path) => ticket.reaches(path),
      };
    },
  });
  return { ...made, clock, kernel };
}

/** Sends bytes as they are; gives the status line of each answer until the connection ends. */
function raw(
  t: TestContext,
  port: number,
  bytes: string,
): Promise<{ readonly statuses: string[]; readonly text: string }> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    t.after(() => socket.destroy());
    let text = "";
    socket.on("data", (part: Buffer) => {
      text += part.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () =>
      resolve({
        text,
        statuses: [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => status ?? ""),
      }),
    );
    socket.write(bytes);
    socket.setTimeout(15_000, () => socket.destroy());
  });
}

test("an expired, a narrowed and a foreign ticket do what they say and no more", async (t) => {
  const { get, post, kernel, clock } = await rig(t);
  const now = kernel.time.now();
  const rights = [{ path: "/", verb: "rw" }] as const;
  const whole = await mint(root, {
    subject: "ann",
    role: "queen",
    hive: "toy",
    rights: [...rights],
    issuedAt: now,
    expiresAt: now + 60_000,
  });
  const narrowed = await narrow(whole, { rights: [{ path: "/comb/hum", verb: "read" }] }, roots);
  const foreign = await mint(createRoot(Buffer.alloc(32, 9)), {
    subject: "eve",
    role: "queen",
    hive: "toy",
    rights: [...rights],
    issuedAt: now,
  });
  assert.equal((await get("/v1/tree/comb/count", whole)).status, 200);
  assert.equal((await get("/v1/tree/comb/hum", narrowed)).status, 200);
  assert.equal((await get("/v1/tree/comb/count", narrowed)).json().code, "session.absent");
  assert.equal((await post("/v1/tree/comb/hum", "x", narrowed)).status, 403);
  assert.equal(
    (await post("/v1/fs/echo", { path: "/comb/hum", line: "x" }, narrowed)).json().code,
    "session.write",
  );
  const refused = await get("/v1/tree", foreign);
  assert.deepEqual([refused.status, refused.json().code], [401, "ticket.forged"]);
  assert.ok(!refused.body.toString().includes(foreign.slice(0, 20)));
  await clock.advanceAsync(61_000);
  const late = await get("/v1/tree/comb/count", whole);
  assert.deepEqual([late.status, late.json().code], [401, "ticket.expired"]);
});

test("one request is one request: whatever two readers could read differently is refused", async (t) => {
  const { port } = await rig(t);
  const head = "Authorization: Bearer queen\r\n";
  const host = `Host: 127.0.0.1:${port}\r\n`;
  const body = '{"op":"hatch","bee":"a"}';
  const post = `POST /v1/tree/comb/ctl HTTP/1.1\r\n${host}${head}Content-Type: application/json\r\n`;
  const cases: Record<string, string> = {
    "length and chunks": `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n${host}\r\n`,
    "two lengths": `${post}Content-Length: ${body.length}\r\nContent-Length: 0\r\n\r\n${body}`,
    "odd encoding": `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    "two hosts": `GET /v1/tree HTTP/1.1\r\n${host}Host: evil.example\r\n${head}\r\n`,
    "no host": `GET /v1/tree HTTP/1.1\r\n${head}\r\n`,
    "two tickets": `GET /v1/tree HTTP/1.1\r\n${host}${head}Authorization: Bearer other\r\nConnection: close\r\n\r\n`,
    "folded header": `GET /v1/tree HTTP/1.1\r\n${host}X: a\r\n b\r\n${head}Connection: close\r\n\r\n`,
    "bare newline": `GET /v1/tree HTTP/1.1\n${host}${head}\r\n`,
    "absolute target": `GET http://evil.example/v1/tree HTTP/1.1\r\n${host}${head}Connection: close\r\n\r\n`,
    "huge header": `GET /v1/tree HTTP/1.1\r\n${host}X: ${"a".repeat(20_000)}\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(cases)) {
    const { statuses } = await raw(t, port, bytes);
    assert.ok(statuses.length <= 1, `${name}: ${statuses}`);
    assert.ok(
      statuses.every((status) => status.startsWith("4")),
      `${name}: ${statuses}`,
    );
  }
  assert.equal(
    (await send(port, "/v1/tree/comb/count", { headers: { Authorization: "Bearer queen" } })).body.toString(),
    "0\n",
  );
});

test("a body beyond the limit is refused while it comes, and one that comes too slowly is cut off", async (t) => {
  const { post, port, clock } = await rig(t);
  const large = await post("/v1/fs/echo", { path: "/comb/hum", line: "x".repeat(1_100_000) });
  assert.deepEqual([large.status, large.json().code], [413, "http.large"]);
  const line = await post("/v1/tree/comb/ctl", { op: "hum", text: "x".repeat(20_000) });
  assert.equal(line.json().code, "gate.long");
  const slow = raw(
    t,
    port,
    `POST /v1/fs/echo HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer queen\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"path"`,
  );
  const other = await post("/v1/fs/echo", { path: "/comb/hum", line: "x" });
  assert.equal(other.json().status, "OK");
  await clock.advanceAsync(10_000);
  assert.deepEqual((await slow).statuses, []);
});

test("bodies of other types, and JSON that is none, are refused", async (t) => {
  const { port } = await rig(t);
  const ask = async (type: string, body: string) => {
    const headers = { Authorization: "Bearer queen", "Content-Type": type };
    return (await send(port, "/v1/fs/echo", { method: "POST", headers, body })).json().code;
  };
  assert.equal(await ask("application/xml", "<a/>"), "http.type");
  assert.equal(await ask("multipart/form-data; boundary=x", "--x--"), "http.type");
  for (const body of [
    "{",
    "[]",
    "null",
    '{"path":"/comb/hum"}',
    '{"path":"/comb/hum","line":"x","more":1}',
    '{"__proto__":{"path":"/"}}',
  ])
    assert.equal(await ask("application/json", body), "http.json", body);
});

test("who asks more often than its rate waits, and others do not", async (t) => {
  const { get, clock } = await rig(t, { rate: 5 });
  const codes = [];
  for (let at = 0; at < 11; at += 1) codes.push((await get("/v1/meta/bounds")).status);
  assert.deepEqual(codes, [...Array(10).fill(200), 429]);
  assert.equal((await get("/v1/meta/bounds")).headers["retry-after"], "1");
  assert.equal((await get("/v1/meta/bounds", "log")).status, 200);
  clock.advance(1000);
  assert.equal((await get("/v1/meta/bounds")).status, 200);
});

test("forged tickets use up a rate of their own, and whoever is known goes on", async (t) => {
  const { get, clock } = await rig(t);
  assert.equal((await get("/v1/meta/bounds")).status, 200);
  const statuses = new Set<number>();
  for (let at = 0; at < 110; at += 1) statuses.add((await get("/v1/tree", `forged-${at}`)).status);
  assert.deepEqual([...statuses], [401, 429]);
  assert.equal((await get("/v1/meta/bounds")).status, 200);
  clock.advance(1000);
  assert.equal((await get("/v1/tree", "forged-again")).status, 401);
});

test("idle connections make room for whoever asks", async (t) => {
  const { port, edge, get } = await rig(t, { connections: 50 });
  const idle: Plain[] = [];
  t.after(() => idle.forEach((socket) => void socket.destroy()));
  for (let at = 0; at < 200; at += 1) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    idle.push(socket);
    await new Promise((done) => socket.once("connect", done));
  }
  assert.equal((await get("/v1/tree/comb/count")).status, 200);
  assert.ok(edge.figures.connections <= 50, String(edge.figures.connections));
  assert.ok(edge.figures.evicted >= 150);
});

test("a refusal names no file, no line and no value of this machine", async (t) => {
  const { get, port } = await rig(t);
  for (const target of [
    "/v1/tree/nope",
    "/v1/nope",
    "/assets/../../package.json",
    "/..%2f..%2fpackage.json",
    "/v1/session/codes/x",
  ]) {
    const answer = await get(target);
    assert.doesNotMatch(answer.body.toString(), /node_modules|file:|\.ts:|at .*\(/, target);
  }
  const junk = await raw(t, port, "\x16\x03\x01\x02\x00junk\r\n\r\n");
  assert.doesNotMatch(junk.text, /Error|stack/);
});
