import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  type Connection,
  createClient,
  createPool,
  memoryWires,
  serve,
  type Wire,
  wireFromSocket,
} from "./mod.ts";
import { dir, hostOf, Stream, text } from "./sample-host.ts";

const log = new Stream();
log.append("one\n");
const large = Buffer.alloc(3_000_000, "0123456789abcdef");
const host = hostOf(dir({ hello: text("hello"), large: text(large), "log.follow": log.follow }));

function lanes(client = {}) {
  const connections: Connection[] = [];
  const dial = (): Wire => {
    const [here, there] = memoryWires();
    connections.push(serve(there, host));
    return here;
  };
  return { connections, pool: createPool(dial, { control: 2, telemetry: 1, client }) };
}

test("a pool dials only what it needs, and shares it in turn", async () => {
  const { pool, connections } = lanes();
  const [one, two, again] = [await pool.control(), await pool.control(), await pool.control()];
  assert.notEqual(one, two);
  assert.equal(again, one);
  assert.equal(connections.length, 2);
  await pool.telemetry();
  assert.equal(await pool.telemetry(), await pool.telemetry());
  assert.equal(connections.length, 3);
  await pool[Symbol.asyncDispose]();
  await Promise.all(connections.map(({ closed }) => closed));
  await assert.rejects(pool.control(), { kind: "cut" });
});

test("a connection that ended is made anew when it is next needed", async () => {
  const { pool, connections } = lanes();
  const client = await pool.telemetry();
  connections[0]?.close();
  await client.closed;
  const other = await pool.telemetry();
  assert.notEqual(other, client);
  assert.equal((await other.readAll("hello")).toString(), "hello");
  await pool[Symbol.asyncDispose]();
});

test("a dial that fails rejects, and the next one is tried", async () => {
  let dials = 0;
  const pool = createPool(
    () => {
      dials += 1;
      if (dials === 1) throw new Error("no route");
      const [here, there] = memoryWires();
      serve(there, host);
      return here;
    },
    { control: 1 },
  );
  await assert.rejects(pool.control(), { message: "no route" });
  assert.equal((await (await pool.control()).readAll("hello")).length, 5);
  await pool[Symbol.asyncDispose]();
});

test("a client refuses a server that speaks another dialect or a larger msize", async () => {
  for (const answer of ["\x07unknown", "\x089P2000.L"]) {
    const [here, there] = memoryWires();
    const body = Buffer.from(`\x65\xff\xff\xff\xff\xff\xff${answer[0]}\0${answer.slice(1)}`, "latin1");
    const frame = Buffer.concat([Buffer.alloc(4), body]);
    frame.writeUInt32LE(frame.length);
    there.listen({ data: () => void there.write(frame), drain: () => undefined, closed: () => undefined });
    await assert.rejects(createClient(here), { code: "ninep.version" });
  }
});

async function onSocket(
  where: string | number,
  act: (dial: () => Promise<Socket>, ends: Connection[]) => Promise<void>,
) {
  const ends: Connection[] = [];
  const server: Server = createServer((socket) => ends.push(serve(wireFromSocket(socket), host)));
  await new Promise<void>((resolve) => {
    if (typeof where === "string") server.listen(where, resolve);
    else server.listen(where, "127.0.0.1", resolve);
  });
  const dial = () =>
    new Promise<Socket>((resolve, reject) => {
      const at = server.address() as AddressInfo | string;
      const socket = typeof at === "string" ? connect(at) : connect(at.port, "127.0.0.1");
      socket.once("connect", () => resolve(socket)).once("error", reject);
    });
  try {
    await act(dial, ends);
  } finally {
    server.close();
    for (const end of ends) end.close();
  }
}

for (const where of [0, join(tmpdir(), `ninep-${process.pid}.sock`)])
  test(`a client reads, follows and flushes over ${where === 0 ? "TCP" : "a unix socket"}`, async () => {
    await onSocket(where, async (dial, ends) => {
      await using client = await createClient(wireFromSocket(await dial()));
      assert.deepEqual(await client.readAll("large"), large);
      await using file = await client.open("log.follow");
      assert.equal(Buffer.from(await file.read(0, 100)).toString(), "one\n");
      assert.equal((await file.read(4, 100)).length, 0);
      const stop = new AbortController();
      const waiting = file.read(4, 100, { signal: stop.signal });
      const hello = await client.readAll("hello");
      stop.abort(new Error("enough"));
      await assert.rejects(waiting, { message: "enough" });
      assert.equal(hello.length, 5);
      assert.equal(ends[0]?.load.requests, 0);
    });
    if (typeof where === "string") rmSync(where, { force: true });
  });

test("a peer that resets its socket ends the connection and nothing else", async () => {
  await onSocket(0, async (dial, ends) => {
    const socket = await dial();
    const client = await createClient(wireFromSocket(socket));
    await client.open("log.follow");
    socket.resetAndDestroy();
    await assert.rejects(client.getattr("hello"), { kind: "cut" });
    assert.equal(await ends[0]?.closed, undefined);
  });
});
