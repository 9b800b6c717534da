import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { Events, Socket, startRig } from "./testing.ts";

async function rig(t: TestContext) {
  const clock = simulatedClock(Date.now());
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  const made = await startRig(t, {
    clock,
    kernel,
    tickets: (token) =>
      token === "narrow"
        ? toyAuthority("bob", { "/comb/hum": ["read"] })
        : fullAuthority("owner", "queen", token),
  });
  const owner = kernel.attach(fullAuthority("owner"), "test");
  return {
    ...made,
    kernel,
    clock,
    hum: (text: string) => owner.append("/comb/hum", `${text}\n`),
    hatch: (bee: string) => owner.append("/comb/ctl", { op: "hatch", bee }),
    /** Lets what waits for the clock happen, turn by turn. */
    pass: async (ms: number) => {
      for (let left = ms; left > 0; left -= 50) await clock.advanceAsync(50);
    },
  };
}

const target = "/v1/tree/comb/hum";

test("a stream comes as events with cursors, what was kept first", async (t) => {
  const { port, hum } = await rig(t);
  await hum("one");
  const events = await Events.open(t, port, target);
  assert.deepEqual(await events.next(), { event: "data", at: 0, next: 4, text: "one\n" });
  await hum("two");
  assert.deepEqual(await events.next(), { event: "data", at: 4, next: 8, text: "two\n" });
});

test("whoever comes back with Last-Event-ID gets what it missed, once", async (t) => {
  const { port, hum } = await rig(t);
  await hum("one");
  const first = await Events.open(t, port, target);
  await first.next();
  first.close();
  await hum("two");
  await hum("three");
  const again = await Events.open(t, port, target, { "Last-Event-ID": first.cursor });
  assert.equal((await again.next()).text, "two\nthree\n");
});

test("a quiet stream is kept alive, and outlives every limit of a request", async (t) => {
  const { port, hum, pass } = await rig(t);
  const events = await Events.open(t, port, target);
  await pass(70_000);
  await hum("late");
  assert.equal((await events.next()).text, "late\n");
});

test("bytes that are gone are told as a gap", async (t) => {
  const { port, hum } = await rig(t);
  await hum("begin");
  const first = await Events.open(t, port, target);
  await first.next();
  first.close();
  for (let at = 0; at < 100; at += 1) await hum("x".repeat(99));
  const again = await Events.open(t, port, target, { "Last-Event-ID": first.cursor });
  assert.deepEqual(await again.next(), { event: "gap", from: 6, to: 10_006 - 4096 });
});

test("a cursor of an earlier start is found again by what stood before it", async (t) => {
  const { port, hum } = await rig(t);
  await hum("one");
  await hum("two");
  const first = await Events.open(t, port, target, {}, "?max_bytes=1");
  await first.next();
  await hum("three");
  await first.next();
  first.close();
  await hum("four");
  // The same bytes, but offsets and start of another program.
  const [, , length, digest] = first.cursor.split(".");
  const again = await Events.open(t, port, target, { "Last-Event-ID": `0ld.99999.${length}.${digest}` });
  assert.deepEqual(await again.next(), { event: "data", at: 14, next: 19, text: "four\n" });
  const lost = await Events.open(t, port, target, { "Last-Event-ID": `0ld.5.3.${"0".repeat(16)}` });
  assert.deepEqual(await lost.next(), { event: "gap", restarted: true, to: 0 });
});

test("one connection follows a stream, a text and a directory, and lets go of each", async (t) => {
  const { port, hum, hatch, pass } = await rig(t);
  const socket = await Socket.open(t, port, { Authorization: "Bearer queen" });
  assert.equal((await socket.next()).op, "ready");
  socket.say({ op: "sub", id: 1, path: "/comb/hum", from: "now" });
  socket.say({ op: "sub", id: 2, path: "/comb/count" });
  socket.say({ op: "sub", id: 3, path: "/comb/bees" });
  socket.say({ op: "sub", id: 4, path: "/comb/nope" });
  assert.deepEqual(await socket.until(4), { op: "error", id: 4, code: "session.absent" });
  assert.deepEqual(await socket.until(2), { op: "sub", id: 2, kind: "text" });
  assert.deepEqual(await socket.until(2), { op: "event", id: 2, event: "text", data: { text: "0\n" } });
  assert.deepEqual(await socket.until(3), { op: "sub", id: 3, kind: "list" });
  assert.deepEqual(await socket.until(3), { op: "event", id: 3, event: "list", data: { entries: [] } });
  assert.deepEqual(await socket.until(1), { op: "sub", id: 1, kind: "stream" });
  await hum("hello");
  assert.deepEqual(await socket.until(1), {
    op: "event",
    id: 1,
    event: "data",
    data: { at: 0, next: 6, text: "hello\n" },
  });
  await hatch("maja");
  await pass(1000);
  assert.deepEqual((await socket.until(2)).data, { text: "1\n" });
  assert.deepEqual((await socket.until(3)).data, { entries: [{ name: "maja", kind: "dir" }] });
  socket.say({ op: "unsub", id: 1 });
  assert.deepEqual(await socket.until(1), { op: "unsub", id: 1 });
  await hum("nobody hears");
  socket.say({ op: "ping", id: 9 });
  assert.equal((await socket.until(9)).op, "pong");
  assert.deepEqual(socket.heard(1), []);
});

test("a hundred subscribers of one stream cost one reader", async (t) => {
  const { port, hum, edge, kernel } = await rig(t);
  const all = await Promise.all(
    Array.from({ length: 100 }, () => Events.open(t, port, `${target}?from=now`)),
  );
  assert.equal(edge.figures.topics, 1);
  const before = kernel.metrics.counts.reads;
  await hum("hello");
  for (const events of all) assert.equal((await events.next()).text, "hello\n");
  assert.ok(kernel.metrics.counts.reads - before < 10, `${kernel.metrics.counts.reads - before} reads`);
  for (const events of all) events.close();
});

test("what a ticket does not open is absent to its follower, and its end ends the socket", async (t) => {
  const { port, kernel } = await rig(t);
  const socket = await Socket.open(t, port, { Authorization: "Bearer narrow" });
  await socket.next();
  socket.say({ op: "sub", id: 1, path: "/comb/count" });
  assert.equal((await socket.until(1)).code, "session.absent");
  for (const session of kernel.sessions.values()) if (session.subject === "bob") session.close("revoked");
  assert.deepEqual(await socket.closed, { code: 4401, reason: "revoked" });
});

test("a socket that says what is no message is closed, and one more subscription than allowed is refused", async (t) => {
  const { port } = await rig(t);
  for (const junk of ["{", '{"op":"nothing"}', '{"op":"sub","id":1}', '{"op":"prove","signature":""}']) {
    const socket = await Socket.open(t, port, { Authorization: "Bearer queen" });
    socket.sayRaw(junk);
    assert.ok([1008, 4401].includes((await socket.closed).code), junk);
  }
  const socket = await Socket.open(t, port, { Authorization: "Bearer queen" });
  for (let id = 0; id < 180; id += 1) socket.say({ op: "sub", id, path: "/comb/hum", from: "now" });
  socket.say({ op: "sub", id: 5, path: "/comb/hum" });
  assert.equal((await socket.untilOp("error")).id, 5);
});
