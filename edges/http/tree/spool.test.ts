import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Spool } from "./spool.ts";

function place(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "skep-spool-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Gives requests to `take` as they come, and closes with the test. */
async function serve(t: TestContext, take: (body: IncomingMessage) => Promise<string>): Promise<number> {
  const server = createServer({ highWaterMark: 16_384 }, (body, response) => {
    body.socket.pause();
    // What came with the head is there once the head is answered for.
    setImmediate(() =>
      take(body).then(
        (said) => response.end(said),
        (thrown) => response.end(String(thrown)),
      ),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => server.close());
  const at = server.address();
  return typeof at === "object" && at ? at.port : 0;
}

function send(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, host: "127.0.0.1", method: "PUT", agent: false }, async (answer) => {
      let text = "";
      for await (const part of answer) text += part;
      resolve(text);
    });
    asked.on("error", reject);
    asked.end(bytes);
  });
}

test("bodies that wait lie in a file without a name, and come whole and in order when it is their turn", async (t) => {
  const dir = place(t);
  await using spool = new Spool(dir);
  const bodies = Array.from({ length: 12 }, () => randomBytes(300_000));
  const turn = Promise.withResolvers<void>();
  let waiting = 0;
  const port = await serve(t, async (body) => {
    const held = await spool.hold(body);
    waiting += 1;
    if (waiting === bodies.length) turn.resolve();
    await turn.promise;
    const parts = held ? [await held.back()] : [];
    body.socket.resume();
    for await (const part of body) parts.push(part);
    const at = bodies.findIndex((one) => one.equals(Buffer.concat(parts)));
    return at < 0 ? "another" : "whole";
  });
  const answers = Promise.all(bodies.map((bytes) => send(port, bytes)));
  await turn.promise;
  assert.ok(spool.held > 0);
  assert.deepEqual(readdirSync(dir), []);
  assert.deepEqual(await answers, new Array(bodies.length).fill("whole"));
  assert.equal(spool.held, 0);
});

test("what nobody needs any more is forgotten, once, and a short body is no matter for a file", async (t) => {
  await using spool = new Spool(place(t));
  const port = await serve(t, async (body) => {
    const held = await spool.hold(body);
    const before = spool.held;
    held?.drop();
    held?.drop();
    body.socket.resume();
    for await (const _ of body);
    return `${before} ${spool.held}`;
  });
  assert.equal(await send(port, randomBytes(50_000)), "1 0");
  assert.equal(await send(port, randomBytes(500)), "0 0");
});

test("where the disk takes nothing, what waits stays in memory", async (t) => {
  await using spool = new Spool(join(place(t), "none"));
  const bytes = randomBytes(50_000);
  const port = await serve(t, async (body) => {
    const held = await spool.hold(body);
    const parts = held ? [await held.back()] : [];
    body.socket.resume();
    for await (const part of body) parts.push(part);
    return String(Buffer.concat(parts).equals(bytes));
  });
  assert.equal(await send(port, bytes), "true");
  assert.equal(spool.held, 0);
});
