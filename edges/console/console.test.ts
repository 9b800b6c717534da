import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { encodeFrame } from "@skep/grammar";
import { type Attached, createConsole, type Credential, type TicketLimits } from "./mod.ts";
import { MemoryClient, MovedClock } from "./memory-client.ts";
import { MemoryHive } from "./memory-hive.ts";

const about = {
  name: "skep",
  version: "0.1.0",
  startedAt: 0,
  memory: () => ({ resident: 3, heap: 2, buffers: 1 }),
};

function world(limits: Record<string, TicketLimits | Fault> = {}, options: { connections?: number } = {}) {
  const hive = new MemoryHive();
  const clock = new MovedClock();
  const login = ({ ticket }: Credential): Attached => {
    if (ticket === undefined) return { session: hive.session() };
    const found = limits[ticket];
    if (found === undefined) throw new Fault("unauthenticated", "ticket.forged", "Cannot accept ticket");
    if (found instanceof Fault) throw found;
    return { session: hive.session(), limits: found };
  };
  const made = createConsole({ token: "changeme", login, clock, about, ...options });
  const connect = () => {
    const client = new MemoryClient();
    const served = made.serve(client);
    return { client, served };
  };
  const queen = async (ticket = "") => {
    const { client, served } = connect();
    client.say("AUTH changeme", `ATTACH queen ${ticket}`);
    await client.until(2);
    return { client, served };
  };
  return { hive, clock, console: made, connect, queen };
}

const captured: readonly (readonly [sent: string, answer: readonly string[], frames?: readonly string[]])[] =
  [
    ["PING", ["OK PING reply=pong", "PONG"], ["16000000", "08000000"]],
    [
      "LS /queen",
      ["OK LS path=/queen entries=3", "ctl", "lifecycle", "telemetry", "END"],
      ["1f000000", "07000000", "0d000000", "0d000000", "07000000"],
    ],
    [
      "CAT /proc/lifecycle/state",
      ["OK CAT path=/proc/lifecycle/state data=state=ONLINE", "state=ONLINE", "END"],
      ["37000000", "10000000", "07000000"],
    ],
    [
      'ECHO /queen/ctl {"spawn":"heartbeat","ticks":5,"budget":{"ttl_s":60,"ops":10}}',
      ["OK ECHO path=/queen/ctl bytes=62"],
      ["24000000"],
    ],
    [
      'SPAWN {"spawn":"heartbeat","ticks":100}',
      ['OK SPAWN payload={"spawn":"heartbeat","ticks":100}'],
      ["36000000"],
    ],
    [
      'SPAWN {"spawn":"alien"}',
      [
        'OK SPAWN payload={"spawn":"alien"}',
        "ERR SPAWN reason=policy detail=invalid-payload error=invalid payload",
      ],
      ["26000000", "48000000"],
    ],
    [
      "ECHO /worker/worker-1/telemetry tick 1",
      ["OK ECHO path=/worker/worker-1/telemetry bytes=6"],
      ["33000000"],
    ],
    [
      "TAIL /worker/worker-1/telemetry",
      ["OK TAIL path=/worker/worker-1/telemetry", "tick 1", "END"],
      ["2b000000", "0a000000", "07000000"],
    ],
    ["KILL worker-2", ["OK KILL id=worker-2"], ["17000000"]],
    ['ECHO /queen/ctl {"kill":"worker-1"}', ["OK ECHO path=/queen/ctl bytes=19"], ["24000000"]],
    [
      'ECHO /queen/ctl {"kill":"worker-1"}',
      ["ERR ECHO reason=policy detail=invalid-path path=/queen/ctl error=invalid path"],
      ["51000000"],
    ],
    ["CAT /nope", ["ERR CAT reason=policy detail=invalid-path path=/nope error=invalid path"], ["4b000000"]],
    ["TAIL /nope", ["ERR TAIL reason=policy detail=invalid-path path=/nope"], ["39000000"]],
    ["BOGUS x", ["ERR PARSE reason=policy detail=unsupported console command"], ["3e000000"]],
    [`PING ${"x".repeat(252)}`, ["ERR FRAME reason=invalid-length"], ["23000000"]],
  ];

test("the session captured from the original is answered frame for frame", async () => {
  const { connect, hive } = world();
  const { client, served } = connect();
  client.bytes(Buffer.from("11000000", "hex"));
  client.bytes(Buffer.from("AUTH changeme"));
  assert.deepEqual(await client.until(1), ["OK AUTH"]);
  client.bytes(Buffer.concat([Buffer.from("11000000", "hex"), Buffer.from("ATTACH queen ")]));
  assert.deepEqual((await client.until(2)).slice(1), ["OK ATTACH role=queen"]);
  assert.deepEqual(client.frames, ["0b000000", "18000000"]);
  for (const [sent, answer, frames] of captured) {
    const from = client.frames.length;
    assert.deepEqual(await client.ask(sent), answer, sent);
    assert.deepEqual(client.frames.slice(from, from + answer.length), frames, sent);
  }
  client.say("quit");
  await served;
  assert.equal(client.lines.at(-1), "OK QUIT");
  assert.equal(client.frames.at(-1), "0b000000");
  assert.deepEqual([client.destroyed, hive.closed], [true, ["quit"]]);
});

test("the same session is answered alike when its bytes come one at a time", async () => {
  const { connect } = world();
  const { client, served } = connect();
  const sent = ["AUTH changeme", "ATTACH queen ", ...captured.map(([line]) => line), "quit"];
  for (const byte of Buffer.concat(sent.map((line) => encodeFrame(line)))) client.bytes(Uint8Array.of(byte));
  await served;
  const answers = captured.flatMap(([, answer]) => answer);
  assert.deepEqual(client.lines, ["OK AUTH", "OK ATTACH role=queen", ...answers, "OK QUIT"]);
});

test("a burst of a thousand commands in one segment loses none and keeps their order", async () => {
  const { queen, hive } = world();
  const { client } = await queen();
  let release = () => undefined as undefined;
  hive.durable = new Promise((resolve) => {
    release = () => resolve() as undefined;
  });
  const lines = Array.from({ length: 500 }, (_, at) => [`ECHO /log/queen.log n${at}`, "PING"]).flat();
  client.say(...lines);
  release();
  await client.until(2 + 500 * 3);
  const wanted = lines.flatMap((line) =>
    line === "PING"
      ? ["OK PING reply=pong", "PONG"]
      : [`OK ECHO path=/log/queen.log bytes=${line.length - 20}`],
  );
  assert.deepEqual(client.lines.slice(2), wanted);
  const log = hive.files.get("/log/queen.log")?.bytes.toString().split("\n").slice(1, 501);
  assert.deepEqual(
    log,
    Array.from({ length: 500 }, (_, at) => `n${at}`),
  );
});

test("no acknowledgement leaves before the append is durable, and ECHOs wait together", async () => {
  const { queen, hive } = world();
  const { client } = await queen();
  const { promise, resolve } = Promise.withResolvers<void>();
  hive.durable = promise;
  client.say("ECHO /log/queen.log a", "ECHO /log/queen.log b", "LS /queen");
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.equal(client.lines.length, 2);
  assert.equal(hive.files.get("/log/queen.log")?.bytes.toString(), "[boot] hive is up\na\nb\n");
  resolve();
  await client.until(9);
  assert.deepEqual(client.lines.slice(2, 5), [
    "OK ECHO path=/log/queen.log bytes=1",
    "OK ECHO path=/log/queen.log bytes=1",
    "OK LS path=/queen entries=3",
  ]);
});

test("a wrong token is told once and the connection ends; the token is compared whole", async () => {
  const { connect, console } = world();
  for (const [line, reason] of [
    ["AUTH wrong", "invalid-token"],
    ["AUTH changem", "invalid-token"],
    ["AUTH changemeX", "invalid-token"],
    ["PING", "expected-token"],
    ["AUTH", "expected-token"],
  ] as const) {
    const { client, served } = connect();
    client.say(line, "ATTACH queen ", "PING");
    await served;
    assert.deepEqual(client.lines, [`ERR AUTH reason=${reason}`]);
    assert.equal(client.destroyed, true);
  }
  assert.equal(console.counters.authFailures, 5);
});

test("before AUTH a frame that is too long ends the connection; after it, it is skipped", async () => {
  const { connect, queen } = world();
  const early = connect();
  early.client.say("x".repeat(257));
  await early.served;
  assert.deepEqual([early.client.lines, early.client.destroyed], [[], true]);
  const { client } = await queen();
  assert.deepEqual(await client.ask(`ECHO /log/queen.log ${"x".repeat(8256)}`), [
    "ERR FRAME reason=invalid-length",
  ]);
  assert.deepEqual(await client.ask(`LS /${"x".repeat(300)}`), [
    "ERR LS reason=policy detail=argument path exceeds allowed length",
  ]);
  assert.deepEqual(await client.ask(`CAT /${"x".repeat(120)}`), [
    "ERR CAT reason=policy detail=argument path exceeds allowed length",
  ]);
});

test("a length under 4 or bytes that are no UTF-8 end the connection at any time", async () => {
  const { queen, hive } = world();
  for (const bytes of ["03000000", "06000000fffe"]) {
    const { client, served } = await queen();
    client.say("PING");
    client.bytes(Buffer.from(bytes, "hex"));
    await served;
    assert.deepEqual(client.lines.slice(2), ["OK PING reply=pong", "PONG"]);
  }
  assert.deepEqual(hive.closed, ["lost", "lost"]);
});

test("only the early verbs work before ATTACH", async () => {
  const { connect } = world();
  const { client } = connect();
  client.say("AUTH changeme");
  await client.until(1);
  for (const verb of ["HELP", "BI", "CAPS", "MEM", "NETSTATS", "CACHELOG"]) {
    const [first, ...rest] = await client.ask(verb);
    assert.match(first ?? "", verb === "BI" ? /^OK BOOTINFO$/ : new RegExp(`^OK ${verb}$`));
    assert.ok(rest.length > 0);
  }
  for (const line of [
    "LS /",
    "CAT /x",
    "TAIL /x",
    "LOG",
    "ECHO /x y",
    "SPAWN {}",
    "KILL a",
    "NETTEST",
    "TEST",
  ])
    assert.deepEqual(await client.ask(line), [
      `ERR ${line.split(" ")[0]} reason=policy detail=unauthenticated`,
    ]);
});

test("HELP has a line for each of the 18 verbs, and NETTEST and TEST say what is true", async () => {
  const { queen } = world();
  const { client } = await queen();
  assert.equal((await client.ask("help")).length, 19);
  assert.deepEqual(await client.ask("NETTEST"), [
    "OK NETTEST",
    "nettest frames=257 back=257",
    "nettest session entries=3",
  ]);
  assert.deepEqual(await client.ask("TEST"), ["ERR TEST reason=policy detail=host-only"]);
  assert.deepEqual(await client.ask("MEM"), [
    "OK MEM",
    "mem resident_bytes=3",
    "mem heap_bytes=2",
    "mem buffer_bytes=1",
  ]);
  assert.ok((await client.ask("CAPS"))[1]?.includes("role=queen"));
});

test("an idle connection is closed by the real clock and a PING keeps it", async () => {
  const { clock, connect, queen } = world();
  const silent = connect();
  clock.move(4999);
  assert.equal(silent.client.destroyed, false);
  clock.move(1);
  await silent.served;
  assert.equal(silent.client.destroyed, true);
  const { client, served } = await queen();
  for (let round = 0; round < 3; round++) {
    clock.move(200_000);
    await client.ask("PING");
  }
  assert.equal(client.destroyed, false);
  clock.move(300_000);
  await served;
  assert.equal(client.destroyed, true);
});

test("many clients are served at once, a lost one closes its session, and one too many is refused", async () => {
  const { console, connect, queen, hive } = world({}, { connections: 20 });
  const all = await Promise.all(Array.from({ length: 20 }, () => queen()));
  const answers = await Promise.all(all.map(({ client }) => client.ask("LS /queen")));
  for (const answer of answers) assert.equal(answer.length, 5);
  const late = connect();
  await late.served;
  assert.deepEqual([late.client.destroyed, console.counters.refused, console.counters.open], [true, 1, 20]);
  all[0]?.client.hangUp();
  await all[0]?.served;
  assert.deepEqual(hive.closed, ["lost"]);
  await console[Symbol.asyncDispose]();
  assert.equal(hive.closed.length, 20);
});

test("a client that does not read is not answered beyond its socket's buffer", async () => {
  const { queen } = world();
  const { client } = await queen();
  client.reading = false;
  client.say("LS /queen");
  await client.until(7);
  const writes = client.writes;
  client.say("PING");
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assert.equal(client.writes, writes);
  client.drain();
  await client.until(9);
  assert.deepEqual(client.lines.slice(7), ["OK PING reply=pong", "PONG"]);
});
