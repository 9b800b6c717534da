import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { type TestContext, test } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { send, startRig } from "./testing.ts";

async function rig(t: TestContext) {
  const clock = simulatedClock(Date.now());
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  const made = await startRig(t, {
    clock,
    kernel,
    spool: tmpdir(),
    tickets: (token) =>
      token === "reader"
        ? toyAuthority("rita", { "/comb": ["read"] })
        : fullAuthority("owner", "queen", token),
  });
  return { ...made, kernel, clock };
}

const hatch = (bee: string) => ({ op: "hatch", bee });
const headers = { Authorization: "Bearer queen" };
const put = (
  port: number,
  target: string,
  body: Uint8Array,
  more: Record<string, string> = {},
  method = "PUT",
) =>
  send(port, target, {
    method,
    body,
    headers: { ...headers, "Content-Type": "application/octet-stream", ...more },
  });

test("a path is what it is: names, text, its twin, a description, a value", async (t) => {
  const { get, post } = await rig(t);
  await post("/v1/tree/comb/ctl", hatch("maja"));
  const names = (await get("/v1/tree/comb")).json<{ entries: { name: string; href: string }[] }>();
  assert.deepEqual(names.entries[0], { name: "ctl", kind: "file", append: true, href: "/v1/tree/comb/ctl" });
  const status = await get("/v1/tree/comb/bees/maja/status");
  assert.deepEqual(
    [status.status, status.headers["content-type"], status.body.toString()],
    [200, "text/plain; charset=utf-8", "maja is busy\n"],
  );
  assert.deepEqual((await get("/v1/tree/comb/bees/maja/status.json")).json(), { bee: "maja", busy: true });
  const ctl = (await get("/v1/tree/comb/ctl")).json<{
    kind: string;
    undo: string;
    schema: { oneOf: unknown[] };
  }>();
  assert.deepEqual([ctl.kind, ctl.undo, ctl.schema.oneOf.length], ["control", "reversible", 3]);
  const stat = (await get("/v1/tree/comb/motto?view=stat")).json();
  assert.deepEqual([stat.kind, stat.writable, stat.size], ["value", true, 5]);
  assert.equal((await get("/v1/tree/comb/nope")).json().code, "session.absent");
  assert.equal((await get("/v1/tree/comb/nope")).status, 404);
});

test("a command's answer has the status of its verdict, and a refusal is a problem", async (t) => {
  const { get, post } = await rig(t);
  const done = await post("/v1/tree/comb/ctl", hatch("maja"));
  assert.deepEqual([done.status, done.json().verdict, done.json().result], [200, "ok", { bee: "maja" }]);
  const again = await post("/v1/tree/comb/ctl", hatch("maja"));
  assert.equal(again.headers["content-type"], "application/problem+json");
  const { status, code, kind, type } = again.json();
  assert.deepEqual(
    [again.status, status, code, kind, type],
    [409, 409, "toy.there", "conflict", "urn:skep:fault:toy.there"],
  );
  assert.equal((await post("/v1/tree/comb/ctl", { op: "nothing" })).json().code, "gate.schema");
  assert.equal((await post("/v1/tree/comb/ctl", hatch("x"), "reader")).json().code, "gate.denied");
  assert.equal((await post("/v1/tree/comb", {})).json().code, "http.directory");
  assert.equal((await get("/v1/tree/comb/count")).body.toString(), "1\n");
});

test("one Idempotency-Key runs one command once", async (t) => {
  const { post, get } = await rig(t);
  const key = { "Idempotency-Key": "k1" };
  const first = await post("/v1/tree/comb/ctl", hatch("a"), "queen", key);
  assert.deepEqual((await post("/v1/tree/comb/ctl", hatch("a"), "queen", key)).json(), first.json());
  assert.equal((await post("/v1/tree/comb/ctl", hatch("b"), "queen", key)).json().code, "gate.conflict");
  assert.equal((await get("/v1/tree/comb/count")).body.toString(), "1\n");
});

test("what did not change is 304, and If-Match keeps two writers apart", async (t) => {
  const { get, port } = await rig(t);
  const first = await get("/v1/tree/comb/motto");
  const tag = String(first.headers.etag);
  assert.equal((await get("/v1/tree/comb/motto", "queen", { "If-None-Match": tag })).status, 304);
  const set = (text: string, match: string) =>
    send(port, "/v1/tree/comb/motto", {
      method: "POST",
      headers: { ...headers, "Content-Type": "text/plain", "If-Match": match },
      body: text,
    });
  const both = await Promise.all([set("one", tag), set("two", tag)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 412]);
  assert.equal((await set("three", "*")).status, 200);
  assert.equal((await get("/v1/tree/comb/motto")).body.toString(), "three");
});

test("names come in pages, and a page goes on where a name that is gone was", async (t) => {
  const { get, post } = await rig(t);
  for (const bee of ["a", "b", "c", "d", "e"]) await post("/v1/tree/comb/ctl", hatch(bee));
  type Page = { entries: { name: string }[]; next?: string };
  const page = async (query: string) => (await get(`/v1/tree/comb/bees?${query}`)).json<Page>();
  const first = await page("limit=2");
  assert.deepEqual(
    first.entries.map(({ name }) => name),
    ["a", "b"],
  );
  await post("/v1/tree/comb/ctl", { op: "retire", bee: "b" });
  const second = await page(`limit=2&after=${first.next}`);
  assert.deepEqual(
    second.entries.map(({ name }) => name),
    ["c", "d"],
  );
  const last = await page(`limit=2&after=${second.next}`);
  assert.deepEqual([last.entries.map(({ name }) => name), last.next], [["e"], undefined]);
  assert.equal((await get("/v1/tree/comb/bees?limit=0")).status, 400);
});

test("a blob is stored by its digest, read in ranges, and its wrong bytes are refused", async (t) => {
  const { get, port } = await rig(t);
  const bytes = randomBytes(700_000);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const target = `/v1/tree/comb/cells/${digest}`;
  const stored = await put(port, target, bytes);
  assert.deepEqual([stored.status, stored.json()], [201, { path: `/comb/cells/${digest}`, size: 700_000 }]);
  assert.deepEqual((await get(target)).body, bytes);
  const part = await get(target, "queen", { Range: "bytes=10-19" });
  assert.deepEqual(
    [part.status, part.headers["content-range"], part.body],
    [206, "bytes 10-19/700000", bytes.subarray(10, 20)],
  );
  assert.deepEqual((await get(target, "queen", { Range: "bytes=-5" })).body, bytes.subarray(-5));
  assert.equal((await get(target, "queen", { Range: "bytes=700000-" })).status, 416);
  assert.equal((await get(target, "queen", { "If-None-Match": `"${digest}"` })).status, 304);
  const head = await send(port, target, { method: "HEAD", headers });
  assert.deepEqual([head.headers["content-length"], head.body.length], ["700000", 0]);
  const wrong = await put(port, `/v1/tree/comb/cells/${"0".repeat(64)}`, Buffer.from("other"));
  assert.deepEqual([wrong.status, wrong.json().code], [400, "http.digest"]);
  assert.equal((await put(port, target, bytes)).json().stored, true);
});

test("an upload that was cut off goes on where it was", async (t) => {
  const { get, port } = await rig(t);
  const bytes = randomBytes(1_000_000);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const target = `/v1/tree/comb/cells/${digest}`;
  const more = { "Content-Type": "application/octet-stream", "Content-Length": String(bytes.length) };
  const cut = request({
    host: "127.0.0.1",
    port,
    path: target,
    method: "PUT",
    headers: { ...headers, ...more },
  });
  cut.on("error", () => undefined);
  cut.write(bytes.subarray(0, 600_000));
  const head = () => send(port, target, { method: "HEAD", headers });
  let told = await head();
  while (Number(told.headers["upload-offset"] ?? 0) < 500_000) told = await head();
  cut.destroy();
  const patch = async (): Promise<number> => {
    const offset = Number((await head()).headers["upload-offset"]);
    const sent = await put(
      port,
      target,
      bytes.subarray(offset),
      { "Upload-Offset": String(offset) },
      "PATCH",
    );
    return sent.status;
  };
  let status = await patch();
  // Until the hive knows that the first connection is gone.
  while (status === 409) status = await patch();
  assert.equal(status, 201);
  assert.deepEqual((await get(target)).body, bytes);
});

test("uploads that wait for others end whole, however many they are", async (t) => {
  const { get, port } = await rig(t);
  const type = { "Content-Type": "application/octet-stream", "Content-Length": "2000000" };
  const slow = Array.from({ length: 16 }, (_, at) => {
    const digest = String(at).padStart(64, "0");
    const path = `/v1/tree/comb/cells/${digest}`;
    const begun = request({ host: "127.0.0.1", port, path, method: "PUT", headers: { ...headers, ...type } });
    begun.on("error", () => undefined);
    begun.write(Buffer.alloc(1000));
    return begun;
  });
  const bodies = Array.from({ length: 40 }, () => randomBytes(200_000));
  const targets = bodies.map(
    (bytes) => `/v1/tree/comb/cells/${createHash("sha256").update(bytes).digest("hex")}`,
  );
  const stored = Promise.all(bodies.map((bytes, at) => put(port, targets[at] ?? "", bytes)));
  // All are heard of before the first of them has its turn.
  await get("/v1/tree/comb");
  for (const one of slow) one.destroy();
  assert.deepEqual(new Set((await stored).map(({ status }) => status)), new Set([201]));
  for (const [at, target] of targets.entries()) assert.deepEqual((await get(target)).body, bodies[at]);
});

/** Requests one after the other on one connection. */
function onOne(t: TestContext, port: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  return (method: string, path: string, body?: Uint8Array): Promise<number> =>
    new Promise((resolve, reject) => {
      const type = body ? { "Content-Type": "application/octet-stream", "Content-Length": body.length } : {};
      const all = { host: "127.0.0.1", port, path, method, agent, headers: { ...headers, ...type } };
      const asked = request(all, (answer) => {
        answer.on("end", () => resolve(answer.statusCode ?? 0)).resume();
      });
      asked.on("error", reject);
      asked.end(body);
    });
}

test("among uploads that wait, what needs no turn is answered at once and its connection goes on", async (t) => {
  const { port } = await rig(t);
  const bytes = randomBytes(300_000);
  const target = `/v1/tree/comb/cells/${createHash("sha256").update(bytes).digest("hex")}`;
  assert.equal((await put(port, target, bytes)).status, 201);
  const type = { "Content-Type": "application/octet-stream", "Content-Length": "2000000" };
  const slow = Array.from({ length: 16 }, (_, at) => {
    const path = `/v1/tree/comb/cells/${String(at).padStart(64, "0")}`;
    const begun = request({ host: "127.0.0.1", port, path, method: "PUT", headers: { ...headers, ...type } });
    begun.on("error", () => undefined);
    begun.write(Buffer.alloc(1000));
    return begun;
  });
  for (const { path } of slow)
    while ((await send(port, path, { method: "HEAD", headers })).headers["upload-offset"] === undefined);
  const other = randomBytes(200_000);
  let isStored = false;
  const waits = put(port, `/v1/tree/comb/cells/${createHash("sha256").update(other).digest("hex")}`, other);
  waits.finally(() => {
    isStored = true;
  });
  const ask = onOne(t, port);
  assert.equal(await ask("PUT", target, bytes), 200);
  assert.equal(await ask("PUT", "/v1/tree/comb/motto", bytes), 405);
  assert.equal(await ask("PUT", "/v1/tree/comb/nowhere", bytes), 404);
  assert.equal(await ask("GET", "/v1/tree/comb"), 200);
  assert.equal(isStored, false);
  for (const one of slow) one.destroy();
  assert.equal((await waits).status, 201);
});

test("no spelling of a path leads anywhere but its file", async (t) => {
  const { get } = await rig(t);
  for (const bad of [
    "/comb%2fctl",
    "/comb/..%2fcomb",
    "/comb/%2e%2e/comb",
    "/comb//ctl",
    "/comb/ctl/",
    "/comb/%00",
    "/comb/%",
    "/comb/%c3%28",
    "//comb",
    "/./comb",
  ]) {
    const answer = await get(`/v1/tree${bad}`);
    assert.ok([400, 404].includes(answer.status), `${bad}: ${answer.status}`);
    assert.match(
      String(answer.json().code),
      /^(http\.path|path\.|session\.absent|http\.absent|http\.header)/,
      bad,
    );
  }
  for (const bad of ["/comb/../comb/ctl", "//comb", "/comb/", "comb", "/comb/\0"])
    assert.equal((await get(`/v1/fs/cat?path=${encodeURIComponent(bad)}`)).json().status, "ERR", bad);
});

test("a trace context goes with the command into the journal", async (t) => {
  const { kernel, post } = await rig(t);
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const { id } = (await post("/v1/tree/comb/ctl", hatch("a"), "queen", { traceparent })).json<{
    id: number;
  }>();
  assert.equal((await kernel.journal.record(id)).trace, traceparent);
  const odd = (await post("/v1/tree/comb/ctl", hatch("b"), "queen", { traceparent: "junk" })).json<{
    id: number;
  }>();
  assert.equal((await kernel.journal.record(odd.id)).trace, undefined);
});
