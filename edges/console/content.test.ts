import assert from "node:assert/strict";
import { createServer, connect as dial } from "node:net";
import { test } from "node:test";
import { encodeFrame, FrameReader, frameCap, parseReply, parseScript, runScript } from "@skep/grammar";
import { createConsole } from "./mod.ts";
import { MemoryClient, MovedClock } from "./memory-client.ts";
import { MemoryHive } from "./memory-hive.ts";

const about = {
  name: "skep",
  version: "0",
  startedAt: 0,
  memory: () => ({ resident: 1, heap: 1, buffers: 1 }),
};

function world() {
  const hive = new MemoryHive();
  const clock = new MovedClock();
  const made = createConsole({ token: "t", clock, about, login: () => ({ session: hive.session() }) });
  const connect = async () => {
    const client = new MemoryClient();
    void made.serve(client);
    client.say("AUTH t", "ATTACH queen ");
    await client.until(2);
    return client;
  };
  return { hive, clock, connect, made };
}

test("the log's CAT shows the lines of people first in its summary and then all of them", async () => {
  const { connect } = world();
  const client = await connect();
  for (const at of [1, 2, 3]) await client.ask(`ECHO /log/queen.log batch-${at}`);
  const lines = ["[boot] hive is up", "batch-1", "batch-2", "batch-3"];
  assert.deepEqual(await client.ask("CAT /log/queen.log"), [
    "OK CAT path=/log/queen.log data=batch-1|batch-2|batch-3",
    ...lines,
    "END",
  ]);
  assert.deepEqual(await client.ask("TAIL /log/queen.log"), ["OK TAIL path=/log/queen.log", ...lines, "END"]);
  assert.deepEqual(await client.ask("LOG"), ["OK LOG", ...lines, "END"]);
});

test("LOG and TAIL of the log give its last 64 lines", async () => {
  const { connect, hive } = world();
  hive.put("/log/queen.log", "stream", Array.from({ length: 200 }, (_, at) => `n${at}\n`).join(""));
  const client = await connect();
  const answer = await client.ask("LOG");
  assert.deepEqual([answer.length, answer[1], answer[64]], [66, "n136", "n199"]);
});

test("a file's content can neither end its listing nor forge an answer nor steer a terminal", async () => {
  const { connect, hive } = world();
  const lines = [
    "END",
    "OK ECHO path=/queen/ctl bytes=1",
    "ERR CAT reason=policy",
    "PONG",
    "\\END",
    'a\tb {"x":"\\n"}',
  ];
  hive.put("/evil", "text", `${lines.join("\n")}\n\x1b[2J\u202edone\r\n`);
  const client = await connect();
  const answer = await client.ask("CAT /evil");
  assert.deepEqual(answer.slice(1, -1), [
    "\\END",
    "\\OK ECHO path=/queen/ctl bytes=1",
    "\\ERR CAT reason=policy",
    "\\PONG",
    "\\\\END",
    'a\tb {"x":"\\n"}',
    "\\x1b[2J\\u{202e}done\\r",
  ]);
  const back = answer.slice(1, 7).map(parseReply);
  assert.deepEqual(
    back,
    lines.map((text) => ({ status: "DATA", text })),
  );
});

test("a hostile path or payload comes back escaped in acknowledgement and refusal", async () => {
  const { connect, hive } = world();
  const path = "/a\x1b[2J\u202e";
  hive.put(path, "stream", "");
  const client = await connect();
  const shown = "/a\\x1b[2J\\u{202e}";
  assert.deepEqual(await client.ask(`ECHO ${path} x`), [`OK ECHO path=${shown} bytes=1`]);
  assert.deepEqual(await client.ask(`LS ${path}/b`), [
    `ERR LS reason=policy detail=invalid-path path=${shown}/b error=invalid path`,
  ]);
  assert.equal((await client.ask("SPAWN \x1b"))[0], "OK SPAWN payload=\\x1b");
  assert.equal((await client.ask("LS /")).includes(shown.slice(1)), true);
});

test("what is no text is shown as b64 lines of at most 252 characters that decode to it", async () => {
  const { connect, hive } = world();
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, at) => (at * 7) % 256));
  hive.put("/cas/x", "blob", bytes);
  const client = await connect();
  const answer = (await client.ask("CAT /cas/x")).slice(1, -1);
  assert.ok(answer.every((line) => line.startsWith("b64:") && line.length <= 252));
  assert.deepEqual(Buffer.concat(answer.map((line) => Buffer.from(line.slice(4), "base64"))), bytes);
});

test("bytes of updates and models are b64 lines also where they happen to be text", async () => {
  const { connect, hive } = world();
  const blobs = ["/updates/1/chunks/x", "/models/x/weights", "/bound/weights"];
  for (const path of [...blobs, "/cas/x"]) hive.put(path, "blob", "AAAA");
  hive.put("/updates/1/status", "text", "AAAA");
  const client = await connect();
  for (const path of blobs)
    assert.deepEqual(await client.ask(`CAT ${path}`), [
      `OK CAT path=${path} data=b64:QUFBQQ==`,
      "b64:QUFBQQ==",
      "END",
    ]);
  for (const path of ["/cas/x", "/updates/1/status"])
    assert.equal((await client.ask(`CAT ${path}`))[1], "AAAA");
});

test("a blob takes raw and base64 payloads without newlines", async () => {
  const { connect, hive } = world();
  hive.put("/cas/x", "blob", "");
  const client = await connect();
  await client.ask("ECHO /cas/x abc");
  await client.ask("ECHO /cas/x b64:ZGVm");
  assert.equal(hive.files.get("/cas/x")?.bytes.toString(), "abcdef");
});

test("what does not fit an answer is refused and never cut", async () => {
  const { connect, hive } = world();
  hive.put("/wide", "text", "x".repeat(8188));
  hive.put("/just", "text", "x".repeat(8187));
  hive.put("/big", "text", "line\n".repeat(300_000));
  const client = await connect();
  for (const path of ["/wide", "/big"])
    assert.deepEqual(await client.ask(`CAT ${path}`), [
      `ERR CAT reason=quota detail=buffer-full path=${path} error=buffer full`,
    ]);
  assert.equal((await client.ask("CAT /just"))[1]?.length, 8187);
});

test("TAIL of a stream larger than an answer begins at a whole line near its end", async () => {
  const { connect, hive } = world();
  const line = "y".repeat(99);
  hive.put("/worker/w/telemetry", "stream", `${line}\n`.repeat(20_000));
  const client = await connect();
  const answer = await client.ask("TAIL /worker/w/telemetry");
  assert.deepEqual(
    [answer.length, new Set(answer.slice(1, -1))],
    [Math.floor(2 ** 20 / 100) + 2, new Set([line])],
  );
});

test("paths that the console does not take are invalid, not parse errors", async () => {
  const { connect } = world();
  const client = await connect();
  for (const path of ["proc", "/a/b/c/d/e/f/g/h/i", "/queen/", "/queen/ctl/x"])
    assert.deepEqual(await client.ask(`LS ${path}`), [
      `ERR LS reason=policy detail=invalid-path path=${path} error=invalid path`,
    ]);
  assert.equal(
    (await client.ask("CAT /queen"))[0],
    "ERR CAT reason=policy detail=invalid-path path=/queen error=invalid path",
  );
  assert.equal(
    (await client.ask("ECHO /proc/lifecycle/state x"))[0],
    "ERR ECHO reason=policy detail=denied path=/proc/lifecycle/state error=EPERM",
  );
});

test("a listing of three thousand names leaves whole and in order", async () => {
  const { connect, hive } = world();
  const names = Array.from({ length: 3000 }, (_, at) => `n${String(at).padStart(4, "0")}`);
  for (const name of names) hive.put(`/many/${name}`, "text", "");
  const client = await connect();
  assert.deepEqual(await client.ask("LS /many"), ["OK LS path=/many entries=3000", ...names, "END"]);
});

const scripts = {
  "attach, tail of the log, wait, quit": `
attach queen
EXPECT OK
log
EXPECT OK
WAIT 250
quit
`,
  "attach, help, log, quit over TCP": `
attach queen
EXPECT SUBSTR role=queen
help
EXPECT OK
log
EXPECT SUBSTR /log/queen.log
quit
EXPECT OK
`,
  "three appends are summed up and an oversize one is refused": `
attach queen
EXPECT OK
echo "batch-1" > /log/queen.log
EXPECT OK
echo "batch-2" > /log/queen.log
EXPECT OK
echo "batch-3" > /log/queen.log
EXPECT OK
cat /log/queen.log
EXPECT SUBSTR batch-1|batch-2|batch-3
echo "{{msize_overflow}}" > /log/queen.log
EXPECT ERR
quit
`,
};

test("the last answer arrives although the client sent more behind its QUIT", async (context) => {
  const { made } = world();
  const server = createServer((socket) => void made.serve(socket)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  context.after(async () => {
    await made[Symbol.asyncDispose]();
    server.close();
  });
  const { port } = server.address() as { port: number };
  for (const [lines, last] of [
    [["AUTH t", "QUIT"], "OK QUIT"],
    [["AUTH wrong"], "ERR AUTH reason=invalid-token"],
  ] as const) {
    const socket = dial({ host: "127.0.0.1", port });
    const found: string[] = [];
    const reader = new FrameReader(frameCap);
    socket.on("data", (chunk) => {
      for (const event of reader.push(chunk)) if (event.kind === "line") found.push(event.text);
    });
    const trailing = Array.from({ length: 20_000 }, () => encodeFrame("PING"));
    socket.write(Buffer.concat([...lines.map((line) => encodeFrame(line)), ...trailing]));
    await new Promise((resolve) => socket.once("close", resolve));
    assert.equal(found.at(-1), last);
  }
});

/** A client on a real socket: one line, and its answer up to a PING behind it or to the end. */
async function dialed(port: number) {
  const socket = dial({ host: "127.0.0.1", port });
  const reader = new FrameReader(frameCap);
  let lines: string[] = [];
  let wake = () => undefined as undefined;
  let ended = false;
  socket.on("data", (chunk) => {
    for (const event of reader.push(chunk)) if (event.kind === "line") lines.push(event.text);
    wake();
  });
  socket.on("end", () => {
    ended = true;
    wake();
  });
  const changed = () =>
    new Promise<void>((resolve) => {
      wake = () => resolve() as undefined;
    });
  const send = async (line: string): Promise<string[]> => {
    lines = [];
    socket.write(encodeFrame(line));
    if (line !== "QUIT") socket.write(encodeFrame("PING"));
    while (!ended && !lines.includes("PONG")) await changed();
    return line === "QUIT" ? lines : lines.slice(0, -2);
  };
  return { send, hasEnded: () => ended };
}

test("scripts that assert what boot_v0, tcp_basic and 9p_batch assert pass over a real socket", async (context) => {
  const { made, clock } = world();
  const server = createServer((socket) => void made.serve(socket)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const moving = setInterval(() => clock.move(0), 1);
  context.after(async () => {
    clearInterval(moving);
    await made[Symbol.asyncDispose]();
    server.close();
  });
  const { port } = server.address() as { port: number };
  for (const [name, text] of Object.entries(scripts)) {
    const client = await dialed(port);
    assert.deepEqual(await client.send("AUTH t"), ["OK AUTH"]);
    const result = await runScript(parseScript(text), {
      send: client.send,
      // A wait is over when it begins: the console has no part in it.
      clock: { ...clockFace(clock), after: (_, act) => clock.after(0, () => queueMicrotask(act)) },
    });
    assert.deepEqual(result.pass ? [] : [result.line, result.why], [], name);
    assert.equal(client.hasEnded(), true, name);
  }
});

function clockFace(clock: MovedClock) {
  return { now: () => clock.now(), monotonic: () => clock.monotonic() };
}
