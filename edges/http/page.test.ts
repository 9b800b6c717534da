import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Fault } from "@skep/fault";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { send, Socket, startRig, TestPage } from "./testing.ts";

const hatch = { op: "hatch", bee: "maja" };

async function rig(t: TestContext) {
  const clock = simulatedClock(Date.now());
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  let kept: string | undefined;
  const start = () =>
    startRig(t, {
      clock,
      kernel,
      store: {
        load: () => kept,
        save: (text) => {
          kept = text;
        },
      },
      tickets: (token) => {
        if (token === "queen" || token === "log") return fullAuthority("owner", "queen", token);
        throw new Fault("unauthenticated", "ticket.forged", "Cannot accept ticket");
      },
    });
  const made = await start();
  const code = async (token = "queen", headers: Record<string, string> = {}) =>
    send(made.port, "/v1/session/codes", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, ...headers },
    });
  return { ...made, clock, kernel, code, again: start, kept: () => kept ?? "" };
}

const codeOf = (got: { json: <T>() => T }) => got.json<{ code: string; id: string; lives: number }>();

test("a code opens one page, once, within 60 seconds", async (t) => {
  const { code, port, clock, get } = await rig(t);
  const made = codeOf(await code());
  assert.equal(made.lives, 60);
  const page = new TestPage(port, () => clock.now());
  const opened = await page.open(made.code);
  assert.deepEqual([opened.status, opened.json().subject, opened.json().armed_ms], [201, "owner", 0]);
  const [cookie = ""] = opened.headers["set-cookie"] ?? [];
  assert.match(
    cookie,
    new RegExp(`^skep-${port}=[\\w-]{43}; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$`),
  );
  assert.equal((await get(`/v1/session/codes/${made.id}`)).json().state, "used");
  assert.equal((await new TestPage(port, () => clock.now()).open(made.code)).json().code, "http.code");
  const late = codeOf(await code());
  clock.advance(60_000);
  assert.equal((await new TestPage(port, () => clock.now()).open(late.code)).json().code, "http.code");
  assert.equal((await get(`/v1/session/codes/${late.id}`)).json().state, "expired");
});

test("a code is for tickets alone, and for no page of any origin", async (t) => {
  const { code, port } = await rig(t);
  assert.equal((await code("forged")).status, 401);
  assert.equal((await code("queen", { Origin: "http://evil.example" })).json().code, "http.origin");
  assert.equal((await code("queen", { Origin: `http://127.0.0.1:${port}` })).json().code, "http.origin");
  assert.equal((await send(port, "/v1/session/codes", { method: "POST" })).status, 401);
});

test("an exchange that the page's key did not sign uses up nothing", async (t) => {
  const { code, port, clock } = await rig(t);
  const { code: secret } = codeOf(await code());
  const page = new TestPage(port, () => clock.now());
  const body = JSON.stringify({ code: secret, key: new TestPage(port, () => clock.now()).key });
  const wrong = { ...page.signed("POST", "/v1/session", body), "Content-Type": "application/json" };
  const refused = await send(port, "/v1/session", { method: "POST", headers: wrong, body });
  assert.equal(refused.json().code, "http.proof");
  assert.equal((await page.open(secret)).status, 201);
});

test("a stolen cookie opens nothing, nor does a request that was seen, changed or sent elsewhere", async (t) => {
  const { page, port, clock } = await rig(t);
  const mine = await page();
  assert.equal((await mine.request("GET", "/v1/tree")).status, 200);
  const cookie = { Cookie: mine.cookie };
  const refused = async (headers: Record<string, string>, target = "/v1/tree", method = "GET") =>
    (await send(port, target, { method, headers })).json().code;
  assert.equal(await refused(cookie), "http.proof");
  const thief = new TestPage(port, () => clock.now());
  thief.cookie = mine.cookie;
  assert.equal((await thief.request("GET", "/v1/tree")).json().code, "http.proof");
  const seen = mine.signed("GET", "/v1/tree", "", clock.now());
  assert.equal((await send(port, "/v1/tree", { headers: seen })).status, 200);
  assert.equal(await refused(seen), "http.replayed");
  assert.equal(await refused(mine.signed("GET", "/v1/tree"), "/v1/tree/comb"), "http.proof");
  assert.equal(await refused(mine.signed("GET", "/v1/tree"), "/v1/tree?limit=1"), "http.proof");
  assert.equal(await refused(mine.signed("GET", "/v1/tree"), "/v1/tree", "DELETE"), "http.proof");
  assert.equal(await refused(mine.signed("GET", "/v1/tree", "", clock.now() - 121_000)), "http.proof");
  assert.equal(await refused({ ...mine.signed("GET", "/v1/tree"), Cookie: "" }), "http.ticket");
});

test("where no header can be sent the proof stands in the query, and is not signed itself", async (t) => {
  const { page, port } = await rig(t);
  const mine = await page();
  for (const target of ["/v1/tree", "/v1/tree?limit=1"]) {
    const { "X-Skep-Proof": proof, Cookie = "" } = mine.signed("GET", target);
    const asked = `${target}${target.includes("?") ? "&" : "?"}proof=${proof}`;
    assert.equal((await send(port, asked, { headers: { Cookie } })).status, 200);
    assert.equal((await send(port, asked, { headers: { Cookie } })).json().code, "http.replayed");
    assert.equal((await send(port, `${asked}&limit=2`, { headers: { Cookie } })).json().code, "http.proof");
  }
});

test("a body that was not signed is not taken", async (t) => {
  const { page, port, get } = await rig(t);
  const mine = await page();
  await mine.request("POST", "/v1/session/arm", { minutes: 1 });
  const headers = {
    ...mine.signed("POST", "/v1/tree/comb/ctl", JSON.stringify({ op: "hum", text: "x" })),
    "Content-Type": "application/json",
  };
  const changed = await send(port, "/v1/tree/comb/ctl", {
    method: "POST",
    headers,
    body: JSON.stringify(hatch),
  });
  assert.equal(changed.json().code, "http.proof");
  const { "X-Skep-Body": _, ...without } = mine.signed("POST", "/v1/tree/comb/ctl");
  const added = await send(port, "/v1/tree/comb/ctl", {
    method: "POST",
    headers: { ...without, "Content-Type": "application/json" },
    body: JSON.stringify(hatch),
  });
  assert.equal(added.json().code, "http.proof");
  assert.equal((await get("/v1/tree/comb/count")).body.toString(), "0\n");
});

test("a page is read-only until it is armed, and again when that expires", async (t) => {
  const { page, clock, get } = await rig(t);
  const mine = await page();
  const write = async () => (await mine.request("POST", "/v1/tree/comb/ctl", { ...hatch })).json();
  const echo = async () =>
    (await mine.request("POST", "/v1/fs/echo", { path: "/comb/hum", line: "x" })).json();
  assert.deepEqual([(await write()).code, (await echo()).code], ["http.unarmed", "http.unarmed"]);
  assert.equal((await mine.request("POST", "/v1/session/arm", { minutes: 90 })).status, 400);
  assert.equal((await mine.request("POST", "/v1/session/arm", { minutes: 2 })).json().armed_ms, 120_000);
  assert.equal((await write()).verdict, "ok");
  clock.advance(119_000);
  assert.equal((await write()).code, "toy.there");
  clock.advance(1000);
  assert.equal((await write()).code, "http.unarmed");
  await mine.request("POST", "/v1/session/arm", { minutes: 2 });
  await mine.request("DELETE", "/v1/session/arm");
  assert.equal((await write()).code, "http.unarmed");
  assert.equal((await get("/v1/tree/comb/count")).body.toString(), "1\n");
});

test("a page of another origin, a name that leads here, and a site beside us get nothing", async (t) => {
  const { page, port } = await rig(t);
  const mine = await page();
  const code = async (headers: Record<string, string>, target = "/v1/tree") =>
    (await send(port, target, { headers: { ...mine.signed("GET", target), ...headers } })).json().code;
  for (const Origin of [
    "http://evil.example",
    "null",
    `http://127.0.0.1:${port + 1}`,
    `https://127.0.0.1:${port}`,
    `http://localhost:${port}`,
  ])
    assert.equal(await code({ Origin }), "http.origin", Origin);
  for (const Host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example"])
    assert.equal(await code({ Host }), "http.host", Host);
  assert.equal(await code({ "Sec-Fetch-Site": "cross-site" }), "http.origin");
  // The signature is for this host: the same port under another name is another origin.
  assert.equal(await code({ Host: `localhost:${port}` }), "http.proof");
});

test("sockets need the cookie, this origin and the signature of the key", async (t) => {
  const { page, port, clock } = await rig(t);
  const mine = await page();
  const Origin = mine.origin;
  await assert.rejects(Socket.open(t, port, { Origin }));
  await assert.rejects(Socket.open(t, port, { Cookie: mine.cookie }));
  await assert.rejects(Socket.open(t, port, { Cookie: mine.cookie, Origin: "http://evil.example" }));
  const socket = await Socket.open(t, port, { Cookie: mine.cookie, Origin });
  const { op, challenge } = await socket.next();
  assert.equal(op, "hello");
  socket.say({ op: "prove", signature: mine.proveSocket(String(challenge)) });
  const ready = await socket.next();
  assert.deepEqual([ready.op, ready.subject, ready.armed_ms], ["ready", "owner", 0]);
  for (const signature of [
    mine.proveSocket("another"),
    new TestPage(port, () => clock.now()).proveSocket(String(challenge)),
    "",
  ]) {
    const stolen = await Socket.open(t, port, { Cookie: mine.cookie, Origin });
    await stolen.next();
    stolen.say({ op: "prove", signature });
    assert.equal((await stolen.closed).code, 4401);
  }
  const eager = await Socket.open(t, port, { Cookie: mine.cookie, Origin });
  eager.say({ op: "sub", id: 1, path: "/comb/hum" });
  assert.equal((await eager.closed).code, 4401);
});

test("a socket without a proof is closed after five seconds", async (t) => {
  const { page, port, clock } = await rig(t);
  const mine = await page();
  const socket = await Socket.open(t, port, { Cookie: mine.cookie, Origin: mine.origin });
  await socket.next();
  clock.advance(5000);
  assert.equal((await socket.closed).code, 4408);
});

test("sessions outlive a restart, read-only, and what is kept holds no cookie and no code", async (t) => {
  const { page, edge, again, kept } = await rig(t);
  const mine = await page();
  await mine.request("POST", "/v1/session/arm", { minutes: 60 });
  const value = mine.cookie.split("=")[1] ?? "";
  assert.ok(kept().includes(mine.key.x) && !kept().includes(value));
  await edge.close();
  const { port } = await again();
  const there = mine.movedTo(port);
  const told = (await there.request("GET", "/v1/session")).json();
  assert.deepEqual([told.subject, told.armed_ms], ["owner", 0]);
  assert.equal((await there.request("DELETE", "/v1/session")).status, 204);
  assert.equal((await there.request("GET", "/v1/session")).json().code, "http.ticket");
});
