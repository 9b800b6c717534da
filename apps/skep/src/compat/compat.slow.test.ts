// The original's client, as far as its bytes go (facts of the original control plane, §3 to §6 and §11).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { encodeFrame } from "@skep/grammar";
import { ConsoleClient } from "@skep/testing";
import { type CompatDaemon, startCompat } from "./daemon.test.ts";

const token = "changeme";
let daemon: CompatDaemon;
before(async () => {
  daemon = await startCompat();
});
after(() => daemon[Symbol.asyncDispose]());

const queen = (ticket = "") => ConsoleClient.attached(daemon.at, token, "queen", ticket);

const spawnLine = '{"spawn":"heartbeat","ticks":5,"budget":{"ttl_s":60,"ops":10}}';

/** Header bytes in hex, the payload, and the lines that answer it; `$1` and `$2` are the workers spawned. */
const captured: readonly (readonly [head: string, line: string, answer: readonly string[]])[] = [
  ["11000000", "AUTH changeme", ["OK AUTH"]],
  ["11000000", "ATTACH queen ", ["OK ATTACH role=queen"]],
  ["08000000", "PING", ["OK PING reply=pong", "PONG"]],
  // The original lists ctl, lifecycle and telemetry; here there is more.
  [
    "0d000000",
    "LS /queen",
    ["OK LS path=/queen entries=6", "ctl", "lease", "telemetry", "export", "schedule", "lifecycle", "END"],
  ],
  [
    "1d000000",
    "CAT /proc/lifecycle/state",
    ["OK CAT path=/proc/lifecycle/state data=state=ONLINE", "state=ONLINE", "END"],
  ],
  ["52000000", `ECHO /queen/ctl ${spawnLine}`, ["OK ECHO path=/queen/ctl bytes=62"]],
  [
    "2b000000",
    'SPAWN {"spawn":"heartbeat","ticks":100}',
    ['OK SPAWN payload={"spawn":"heartbeat","ticks":100}'],
  ],
  [
    "1b000000",
    'SPAWN {"spawn":"alien"}',
    [
      'OK SPAWN payload={"spawn":"alien"}',
      "ERR SPAWN reason=policy detail=invalid-payload error=invalid payload",
    ],
  ],
  ["2a000000", "ECHO /worker/worker-1/telemetry tick 1", ["OK ECHO path=/worker/worker-1/telemetry bytes=6"]],
  [
    "23000000",
    "TAIL /worker/worker-1/telemetry",
    ["OK TAIL path=/worker/worker-1/telemetry", "tick 1", "END"],
  ],
  ["11000000", "KILL worker-2", ["OK KILL id=worker-2"]],
  ["27000000", 'ECHO /queen/ctl {"kill":"worker-1"}', ["OK ECHO path=/queen/ctl bytes=19"]],
  [
    "27000000",
    'ECHO /queen/ctl {"kill":"worker-1"}',
    ["ERR ECHO reason=policy detail=invalid-path path=/queen/ctl error=invalid path"],
  ],
  ["0d000000", "CAT /nope", ["ERR CAT reason=policy detail=invalid-path path=/nope error=invalid path"]],
  ["0e000000", "TAIL /nope", ["ERR TAIL reason=policy detail=invalid-path path=/nope"]],
  ["0b000000", "BOGUS x", ["ERR PARSE reason=policy detail=unsupported console command"]],
  ["05010000", `PING ${"x".repeat(252)}`, ["ERR FRAME reason=invalid-length"]],
  ["08000000", "quit", ["OK QUIT"]],
];

// First in this file: it expects the numbers that a fresh hive gives.
test("the captured session is answered as it was, frame by frame", async () => {
  const client = await ConsoleClient.connect(daemon.at);
  for (const [head, line, answer] of captured) {
    const frame = Buffer.concat([Buffer.from(head, "hex"), Buffer.from(line)]);
    assert.deepEqual(encodeFrame(line), frame);
    client.send(frame);
    const told: (string | undefined)[] = [];
    while (told.length < answer.length) told.push(await client.line());
    assert.deepEqual(told, answer, line);
  }
  assert.equal(await client.line(), undefined);
});

test("a client that sends byte by byte, several frames in a row, is answered in order", async () => {
  const client = await ConsoleClient.connect(daemon.at);
  const lines = ["AUTH changeme", "ATTACH queen ", "PING", "LS /proc/lifecycle", "quit"];
  for (const byte of Buffer.concat(lines.map(encodeFrame))) client.send(Uint8Array.of(byte));
  const told = await client.rest();
  assert.deepEqual(told.slice(0, 5), [
    "OK AUTH",
    "OK ATTACH role=queen",
    "OK PING reply=pong",
    "PONG",
    "OK LS path=/proc/lifecycle entries=4",
  ]);
  assert.deepEqual(told.slice(-2), ["END", "OK QUIT"]);
});

for (const [name, first, answer] of [
  ["a wrong token", "AUTH changemf", ["ERR AUTH reason=invalid-token"]],
  ["a shorter token", "AUTH change", ["ERR AUTH reason=invalid-token"]],
  ["a first line that is no AUTH", "ATTACH queen ", ["ERR AUTH reason=expected-token"]],
  ["a first line that is too long", `AUTH ${"x".repeat(300)}`, []],
] as const)
  test(`${name} ends the connection`, async () => {
    const client = await ConsoleClient.connect(daemon.at);
    client.say(first, "PING");
    assert.deepEqual(await client.rest(), answer);
  });

test("before ATTACH only what needs no session is answered", async () => {
  const client = await ConsoleClient.connect(daemon.at);
  client.say("AUTH changeme");
  assert.equal(await client.line(), "OK AUTH");
  assert.deepEqual(await client.ask("LS /"), ["ERR LS reason=policy detail=unauthenticated"]);
  assert.deepEqual(await client.ask("PING"), ["OK PING reply=pong", "PONG"]);
  assert.equal((await client.ask("HELP"))[0], "OK HELP");
  assert.equal((await client.ask("BI"))[0], "OK BOOTINFO");
  assert.deepEqual(await client.ask("ATTACH emperor"), ["ERR ATTACH reason=policy detail=invalid-role"]);
  assert.equal((await client.ask("ATTACH worker"))[0]?.slice(0, 31), "ERR ATTACH reason=policy detail");
  await client.close();
});

const worker1 =
  "cohesix-ticket-0101080800776f726b65722d31000000000000000000000000.ea7bee86230e67031e6e758fa01c00eaa9c1f0bfff4b41548424a3df0356cff9";
const expired =
  "cohesix-ticket-0100040000000000000000000000000000000000000000.e9b8bc4e26e2f06725347bdd8983fb3efc170658fc6af53cabb746bef58deddb";
const scoped =
  "cohesix-ticket-0100300000000000000000000000000304002f6c6f67000100000006002f717565656e010000000006002f7368617264010000000000000000000000000000000001000000.0c714a86a89a2abc049395e486dbd2a8ce6ba7076ce508a02431a22319629672";

test("an expired ticket is refused by name, and another role's and a forged one are denied", async () => {
  for (const [role, ticket, answer] of [
    ["queen", expired, "ERR ATTACH reason=quota detail=expired"],
    ["queen", worker1, "ERR ATTACH reason=policy detail=denied"],
    ["worker-heartbeat", `${worker1.slice(0, -1)}8`, "ERR ATTACH reason=policy detail=denied"],
  ] as const) {
    const client = await ConsoleClient.connect(daemon.at);
    client.say("AUTH changeme", `ATTACH ${role} ${ticket}`);
    assert.deepEqual([await client.line(), await client.line()], ["OK AUTH", answer]);
    const [again = ""] = await client.ask(`ATTACH ${role} ${ticket}`);
    assert.match(again, /^ERR ATTACH reason=quota detail=throttled delay_ms=\d+$/);
    await client.close();
  }
});

test("a scoped ticket reads its log once a second, goes on once, and works nowhere else", async () => {
  const client = await queen(scoped);
  assert.deepEqual(await client.ask("LS /worker"), ["ERR LS reason=policy path=/worker error=EPERM"]);
  assert.equal((await client.ask("TAIL /log/queen.log"))[0], "OK TAIL path=/log/queen.log");
  assert.deepEqual(await client.ask("TAIL /log/queen.log"), [
    "ERR TAIL reason=quota path=/log/queen.log error=ELIMIT",
  ]);
  assert.deepEqual(await client.ask("ECHO /log/queen.log no"), [
    "ERR ECHO reason=policy path=/log/queen.log error=EPERM",
  ]);
  assert.deepEqual(await client.ask('ECHO /queen/ctl {"spawn":"heartbeat","ticks":5}'), [
    "OK ECHO path=/queen/ctl bytes=31",
  ]);
  await client.close();
});

test("a worker's ticket attaches, reads, and may write neither its telemetry nor the hive", async () => {
  const client = await ConsoleClient.attached(daemon.at, token, "worker-heartbeat", worker1);
  assert.equal((await client.ask("CAT /proc/lifecycle/state"))[0]?.slice(0, 6), "OK CAT");
  assert.deepEqual(await client.ask('ECHO /queen/ctl {"kill":"worker-3"}'), [
    "ERR ECHO reason=policy detail=denied path=/queen/ctl error=EPERM",
  ]);
  await client.close();
});

test("bad lines are refused by what is wrong with them, and the session lives", async () => {
  const client = await queen();
  for (const [line, answer] of [
    ["LS", "ERR LS reason=policy detail=missing required argument: path"],
    ["ECHO /log/queen.log", "ERR ECHO reason=policy detail=missing required argument: payload"],
    [`CAT /${"x".repeat(121)}`, "ERR CAT reason=policy detail=argument path exceeds allowed length"],
    [
      `ECHO /log/queen.log ${"x".repeat(129)}`,
      "ERR ECHO reason=policy detail=argument payload exceeds allowed length",
    ],
    [`ECHO /log/queen.log ${"x".repeat(8256)}`, "ERR FRAME reason=invalid-length"],
    ["PING\nPING", "ERR PARSE reason=policy detail=empty command"],
    ["", "ERR PARSE reason=policy detail=empty command"],
    ["TEST", "ERR TEST reason=policy detail=host-only"],
    ["lS /proc/", "ERR LS reason=policy detail=invalid-path path=/proc/ error=invalid path"],
    ["cat /proc/../log", "ERR CAT reason=policy detail=invalid-path path=/proc/../log error=invalid path"],
  ] as const) {
    assert.deepEqual((await client.ask(line))[0]?.replace(/ path=\S+$/, ""), answer, line);
  }
  assert.deepEqual(await client.ask("PING"), ["OK PING reply=pong", "PONG"]);
  await client.close();
});

test("people's lines make the summary of the log, and what the system says stays out of it", async () => {
  const client = await queen();
  for (const line of ["one", "two", "three"]) await client.ask(`ECHO /log/queen.log said-${line}`);
  const [ack, ...lines] = await client.ask("CAT /log/queen.log");
  assert.equal(ack, "OK CAT path=/log/queen.log data=said-one|said-two|said-three");
  assert.equal(lines.at(-1), "END");
  assert.ok(lines.includes("[hive] spawned worker-1"));
  const log = await client.ask("LOG");
  assert.deepEqual(log.slice(-4), ["said-one", "said-two", "said-three", "END"]);
  assert.equal(log[0], "OK LOG");
  await client.close();
});

test("telemetry keeps its newlines, drops its oldest bytes, and the log says so", async () => {
  const client = await queen();
  await client.ask('SPAWN {"spawn":"heartbeat","ticks":100}');
  const worker = (await client.ask("LS /worker")).at(-2) ?? "";
  const path = `/worker/${worker}/telemetry`;
  for (const text of ["tick 1", "tick 2"]) await client.ask(`ECHO ${path} ${text}`);
  assert.deepEqual((await client.ask(`TAIL ${path}`)).slice(1), ["tick 1", "tick 2", "END"]);
  for (let at = 0; at < 10; at++) await client.ask(`ECHO ${path} ${String(at).padStart(127, "x")}`);
  assert.equal((await client.ask(`TAIL ${path}`)).at(-2), "9".padStart(127, "x"));
  const log = await client.ask("TAIL /log/queen.log");
  assert.ok(log.some((line) => /telemetry ring wrap dropped_bytes=\d+ new_base=\d+$/.test(line)));
  await client.close();
});

test("many clients at once are each answered in their own order", async () => {
  const clients = await Promise.all(Array.from({ length: 16 }, () => queen()));
  const answers = await Promise.all(
    clients.map(async (client, at) => {
      for (let turn = 0; turn < 20; turn++) client.say(`ECHO /log/queen.log c${at}-${turn}`, "PING");
      const told: string[] = [];
      while (told.length < 60) told.push((await client.line()) ?? "");
      return told;
    }),
  );
  for (const told of answers) {
    assert.equal(told.filter((line) => line.startsWith("OK ECHO path=/log/queen.log")).length, 20);
    assert.deepEqual(told.slice(-2), ["OK PING reply=pong", "PONG"]);
  }
  await Promise.all(clients.map((client) => client.close()));
});
