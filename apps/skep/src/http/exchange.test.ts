import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createSecure } from "node:https";
import { createServer as createPlain, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { exchange, type Question, reasonOf } from "./exchange.ts";
import { makeAuthority, makeCertificate } from "./x509.ts";

/** A server that says these words to whoever asks, then ends the connection or leaves it open. */
async function serve(t: TestContext, talk: (socket: Socket, asked: string) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createPlain((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let asked = "";
    socket.on("data", (part) => {
      asked += part.toString();
      if (asked.includes("\r\n\r\n")) talk(socket, asked);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const at = server.address();
  return `http://127.0.0.1:${typeof at === "object" && at ? at.port : 0}/file`;
}

const head = (status: string, ...lines: readonly string[]) =>
  `HTTP/1.1 ${[status, ...lines].join("\r\n")}\r\n\r\n`;
const question: Question = { mostBytes: 1024, withinMs: 60_000 };

test("an answer of any status is given whole, a redirection as one like others", async (t) => {
  const asked: string[] = [];
  const url = await serve(t, (socket, words) => {
    asked.push(words);
    socket.end(`${head("302 Found", "Location: http://elsewhere.invalid/", "Content-Type: text/x.own")}gone`);
  });
  const headers = { "x-own": "1" };
  const { status, contentType, body } = await exchange(url, {
    ...question,
    method: "POST",
    headers,
    body: "hällo",
  });
  assert.deepEqual([status, contentType, body.toString()], [302, "text/x.own", "gone"]);
  assert.match(asked.join(), /^POST \/file HTTP\/1\.1\r\nx-own: 1\r\ncontent-length: 6\r\n/);
  assert.equal(asked.length, 1);
});

test("an answer of exactly the size that is taken is taken, one byte more is refused before its end", async (t) => {
  const url = await serve(t, (socket) =>
    socket.write(`${head("200 OK")}${"x".repeat(1024)}`, () => socket.end()),
  );
  assert.equal((await exchange(url, question)).body.length, 1024);
  const endless = await serve(t, (socket) => socket.write(`${head("200 OK")}${"x".repeat(1025)}`));
  await assert.rejects(exchange(endless, question), {
    code: "exchange.oversize",
    message: /127\.0\.0\.1:\d+: an answer of more than 1 KiB/,
  });
});

test("one who says nothing, or a byte now and then, is waited for so long and no longer", async (t) => {
  const silent = await serve(t, () => undefined);
  const late = { code: "exchange.late", message: /127\.0\.0\.1:\d+: no whole answer within 0\.05 s/ };
  await assert.rejects(exchange(silent, { ...question, withinMs: 50 }), late);
  const dripping = await serve(t, (socket) => {
    socket.write(head("200 OK"));
    const drip = setInterval(() => socket.write("x"), 5);
    socket.on("close", () => clearInterval(drip));
  });
  await assert.rejects(exchange(dripping, { ...question, withinMs: 50 }), late);
});

test("a connection that ends within an answer gives none, and so does one that ends before it", async (t) => {
  const within = await serve(t, (socket) => socket.end(`${head("200 OK", "Content-Length: 10")}half`));
  await assert.rejects(exchange(within, question), { code: "exchange.cut", kind: "cut" });
  const before = await serve(t, (socket) => socket.destroy());
  await assert.rejects(exchange(before, question), { code: "exchange.unanswered", kind: "cut" });
  const noise = await serve(t, (socket) => socket.end("220 mail.invalid ESMTP\r\n"));
  await assert.rejects(exchange(noise, question), { code: "exchange.unanswered" });
});

test("where nobody listens the reason names the place, a socket's file too", async (t) => {
  const server = createPlain();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  const free = typeof at === "object" && at ? at.port : 0;
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(exchange(`http://127.0.0.1:${free}/`, question), {
    code: "exchange.unanswered",
    message: `Cannot get an answer over HTTP: "connect ECONNREFUSED 127.0.0.1:${free}"`,
  });
  const dir = mkdtempSync(join(tmpdir(), "skep-exchange-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const socket = join(dir, "none.sock");
  const thrown: unknown = await exchange("http://engine/", { ...question, socket }).catch((error) => error);
  assert.equal(reasonOf(thrown), `connect ENOENT ${socket}`);
});

test("whoever is ended by a signal is told the signal's reason, before and within an answer", async (t) => {
  const reason = new Error("not any more");
  const asking = new AbortController();
  const url = await serve(t, (socket) => socket.write(`${head("200 OK")}x`, () => asking.abort(reason)));
  await assert.rejects(exchange(url, { ...question, signal: asking.signal }), reason);
  await assert.rejects(exchange(url, { ...question, signal: AbortSignal.abort(reason) }), reason);
});

test("over TLS only who an authority that is given vouches for is asked", async (t) => {
  const ca = makeAuthority("the authority of a test", Date.now());
  const key = createPrivateKey(ca.key);
  const authority = { name: "the authority of a test", key, publicKey: createPublicKey(key) };
  const server = createSecure(makeCertificate(authority, ["127.0.0.1"], Date.now()), (_, response) =>
    response.end("in private"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const at = server.address();
  const url = `https://127.0.0.1:${typeof at === "object" && at ? at.port : 0}/`;
  assert.equal((await exchange(url, { ...question, ca: ca.cert })).body.toString(), "in private");
  await assert.rejects(exchange(url, question), { code: "exchange.unanswered", message: /certificate/ });
});
