import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { createConsole, type TicketLimits } from "./mod.ts";
import { MemoryClient, MovedClock } from "./memory-client.ts";
import { MemoryHive } from "./memory-hive.ts";

const about = {
  name: "skep",
  version: "0",
  startedAt: 0,
  memory: () => ({ resident: 1, heap: 1, buffers: 1 }),
};

async function authed(tickets: Record<string, TicketLimits | Fault> = {}) {
  const hive = new MemoryHive();
  const clock = new MovedClock();
  const made = createConsole({
    token: "t",
    clock,
    about,
    login: ({ ticket }) => {
      const found = ticket === undefined ? {} : tickets[ticket];
      if (found instanceof Fault) throw found;
      if (!found) throw new Fault("unauthenticated", "ticket.forged", "Cannot accept ticket");
      return { session: hive.session(), limits: found };
    },
  });
  const connect = async () => {
    const client = new MemoryClient();
    void made.serve(client);
    client.say("AUTH t");
    await client.until(1);
    return client;
  };
  return { hive, clock, connect, client: await connect() };
}

test("roles are canonical in the acknowledgement, and a worker without a ticket is denied", async () => {
  const { client, clock } = await authed({ good: {} });
  assert.deepEqual(await client.ask("ATTACH QUEEN "), ["OK ATTACH role=queen"]);
  assert.deepEqual(await client.ask("attach Worker good"), ["OK ATTACH role=worker-heartbeat"]);
  assert.deepEqual(await client.ask("attach king"), ["ERR ATTACH reason=policy detail=invalid-role"]);
  assert.deepEqual(await client.ask("attach worker-gpu"), ["ERR ATTACH reason=policy detail=denied"]);
  clock.move(250);
  assert.ok((await client.ask("CAPS"))[1]?.includes("role=worker-heartbeat"));
});

test("why a ticket is refused is told in the original's words only", async () => {
  const { client, clock } = await authed({
    old: new Fault("unauthenticated", "ticket.expired", "m", { detail: "expired" }),
    odd: new Fault("invalid", "macticket.claims", "m", { detail: "invalid-claims" }),
    drain: new Fault("busy", "gate.draining", "m", { detail: "lifecycle-denied state=DRAINING" }),
  });
  assert.deepEqual(await client.ask("ATTACH queen old"), ["ERR ATTACH reason=quota detail=expired"]);
  clock.move(250);
  assert.deepEqual(await client.ask("ATTACH queen odd"), ["ERR ATTACH reason=policy detail=invalid-claims"]);
  clock.move(500);
  assert.deepEqual(await client.ask("ATTACH queen drain"), [
    "ERR ATTACH reason=busy detail=lifecycle-denied state=DRAINING",
  ]);
});

test("failures throttle their connection, doubling, and after three bad ones are rate limited while good ones pass", async () => {
  const { client, clock, connect } = await authed({ good: {} });
  const bad = "ATTACH worker nonsense";
  assert.deepEqual(await client.ask(bad), ["ERR ATTACH reason=policy detail=denied"]);
  assert.deepEqual(await client.ask("ATTACH queen "), [
    "ERR ATTACH reason=quota detail=throttled delay_ms=250",
  ]);
  clock.move(250);
  assert.deepEqual(await client.ask(bad), ["ERR ATTACH reason=policy detail=denied"]);
  clock.move(100);
  assert.deepEqual(await client.ask(bad), ["ERR ATTACH reason=quota detail=throttled delay_ms=400"]);
  clock.move(400);
  assert.deepEqual(await client.ask(bad), ["ERR ATTACH reason=policy detail=denied"]);
  clock.move(1000);
  assert.deepEqual(await client.ask(bad), ["ERR ATTACH reason=quota detail=rate-limited delay_ms=89000"]);
  const other = await connect();
  assert.deepEqual(await other.ask("ATTACH worker good"), ["OK ATTACH role=worker-heartbeat"]);
  assert.deepEqual(await other.ask(bad), ["ERR ATTACH reason=quota detail=rate-limited delay_ms=90000"]);
});

test("a refused re-attach keeps the session, a granted one replaces it", async () => {
  const { client, clock, hive } = await authed({ good: {} });
  await client.ask("ATTACH queen ");
  await client.ask("ATTACH queen bad");
  assert.equal((await client.ask("LS /queen"))[0], "OK LS path=/queen entries=3");
  assert.deepEqual(hive.closed, []);
  clock.move(250);
  await client.ask("ATTACH queen good");
  assert.deepEqual(hive.closed, ["replaced"]);
});

test("scopes refuse with EPERM, the longest one with the verb decides, and its rate with ELIMIT", async () => {
  const scopes = [
    { path: "/log", verb: "read", rate: 1 },
    { path: "/queen", verb: "write", rate: 0 },
    { path: "/", verb: "read", rate: 100 },
  ] as const;
  const { client, clock } = await authed({ scoped: { scopes } });
  await client.ask("ATTACH queen scoped");
  assert.deepEqual(await client.ask("ECHO /log/queen.log x"), [
    "ERR ECHO reason=policy path=/log/queen.log error=EPERM",
  ]);
  assert.equal((await client.ask("TAIL /log/queen.log"))[0], "OK TAIL path=/log/queen.log");
  assert.deepEqual(await client.ask("TAIL /log/queen.log"), [
    "ERR TAIL reason=quota path=/log/queen.log error=ELIMIT",
  ]);
  clock.move(1000);
  assert.equal((await client.ask("LOG"))[0], "OK LOG");
  assert.equal(
    (await client.ask('ECHO /queen/ctl {"spawn":"heartbeat"}'))[0],
    "OK ECHO path=/queen/ctl bytes=21",
  );
  assert.equal((await client.ask("LS /queen"))[0], "OK LS path=/queen entries=3");
});

test("a scope covers whole path steps only", async () => {
  const { client, hive } = await authed({ s: { scopes: [{ path: "/log", verb: "rw", rate: 0 }] } });
  hive.put("/logs/x", "text", "secret");
  await client.ask("ATTACH queen s");
  assert.deepEqual(await client.ask("CAT /logs/x"), ["ERR CAT reason=policy path=/logs/x error=EPERM"]);
});

test("bandwidth is the payloads and the returned lines: 1024 ECHOs of 128 bytes, then ELIMIT", async () => {
  const { client } = await authed({ b: { bandwidth: 131_072 } });
  await client.ask("ATTACH queen b");
  const line = `ECHO /log/queen.log ${"x".repeat(128)}`;
  client.say(...Array.from({ length: 1024 }, () => line));
  await client.until(client.lines.length + 1024);
  assert.equal(client.lines.at(-1), "OK ECHO path=/log/queen.log bytes=128");
  assert.deepEqual(await client.ask(line), ["ERR ECHO reason=quota path=/log/queen.log error=ELIMIT"]);
  assert.deepEqual(await client.ask("LS /queen"), ["ERR LS reason=quota path=/queen error=ELIMIT"]);
});

test("with a ticket TAIL goes on where it ended, each costs an advance, and without one it begins anew", async () => {
  const { client, connect } = await authed({ c: { advances: 3 } });
  await client.ask("ATTACH queen c");
  await client.ask('SPAWN {"spawn":"heartbeat"}');
  const path = "/worker/worker-1/telemetry";
  await client.ask(`ECHO ${path} tick 1`);
  const ack = `OK TAIL path=${path}`;
  assert.deepEqual(await client.ask(`TAIL ${path}`), [ack, "tick 1", "END"]);
  await client.ask(`ECHO ${path} tick 2`);
  assert.deepEqual(await client.ask(`TAIL ${path}`), [ack, "tick 2", "END"]);
  assert.deepEqual(await client.ask(`TAIL ${path}`), [ack, "END"]);
  assert.deepEqual(await client.ask(`TAIL ${path}`), [`ERR TAIL reason=quota path=${path} error=ELIMIT`]);
  const plain = await connect();
  await plain.ask("ATTACH queen ");
  for (let round = 0; round < 2; round++)
    assert.deepEqual(await plain.ask(`TAIL ${path}`), [ack, "tick 1", "tick 2", "END"]);
});

test("a cursor that was overtaken is told how many bytes it missed, and one beyond a new stream costs a resume", async () => {
  const { client, hive } = await authed({ c: { resumes: 1 } });
  await client.ask("ATTACH queen c");
  const file = hive.put("/worker/w/telemetry", "stream", "a\n", 8);
  await client.ask("TAIL /worker/w/telemetry");
  file.bytes = Buffer.from("late\n");
  file.base = 100;
  assert.deepEqual(await client.ask("TAIL /worker/w/telemetry"), [
    "OK TAIL path=/worker/w/telemetry skipped=98",
    "late",
    "END",
  ]);
  hive.put("/worker/w/telemetry", "stream", "new\n", 8);
  assert.deepEqual(await client.ask("TAIL /worker/w/telemetry"), [
    "OK TAIL path=/worker/w/telemetry",
    "new",
    "END",
  ]);
  await client.ask("TAIL /worker/w/telemetry");
  hive.put("/worker/w/telemetry", "stream", "", 8);
  assert.deepEqual(await client.ask("TAIL /worker/w/telemetry"), [
    "ERR TAIL reason=quota path=/worker/w/telemetry error=ELIMIT",
  ]);
});
