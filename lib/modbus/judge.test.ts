// Judged by the servers of jsmodbus, which were written by others.
import assert from "node:assert/strict";
import { createServer, connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import { server } from "jsmodbus";
import { ModbusClient, type Wire } from "./mod.ts";

const tables = () => {
  const holding = Buffer.alloc(200);
  for (let at = 0; at < 100; at += 1) holding.writeUInt16BE(at * 3, at * 2);
  const input = Buffer.alloc(20);
  input.writeFloatBE(21.5, 0);
  return { holding, input, coils: Buffer.from([0b1010_0101, 0xff]), discrete: Buffer.from([0b11]) };
};

function wireOf(socket: Duplex): Wire {
  return {
    send: (bytes) => void socket.write(bytes),
    listen: ({ bytes, end }) => {
      socket.on("data", bytes);
      socket.once("close", () => end());
    },
    close: () => void socket.destroy(),
  };
}

/** Two ends of a line, as two serial ports on one cable. */
function cable(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const make = (at: number): Duplex =>
    new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        ends[1 - at]?.push(chunk);
        done();
      },
    });
  ends.push(make(0), make(1));
  return ends as [Duplex, Duplex];
}

async function conversation(client: ModbusClient): Promise<void> {
  assert.deepEqual(await client.read(1, "holding", 10, 3), [30, 33, 36]);
  assert.deepEqual(await client.read(1, "coil", 0, 10), [1, 0, 1, 0, 0, 1, 0, 1, 1, 1]);
  assert.deepEqual(await client.read(1, "discrete", 0, 3), [1, 1, 0]);
  assert.deepEqual(await client.read(1, "input", 0, 2), [0x41ac, 0]);
  await client.write(1, "holding", 10, [700]);
  await client.write(1, "holding", 11, [701, 702]);
  await client.write(1, "coil", 1, [1]);
  await client.write(1, "coil", 3, [1, 1, 0, 1]);
  assert.deepEqual(await client.read(1, "holding", 9, 5), [27, 700, 701, 702, 39]);
  assert.deepEqual(await client.read(1, "coil", 0, 8), [1, 1, 1, 1, 1, 0, 1, 1]);
  const many = await Promise.all(
    Array.from({ length: 20 }, (_, at) => client.read(1, "holding", at + 20, 1)),
  );
  assert.deepEqual(
    many.flat(),
    Array.from({ length: 20 }, (_, at) => (at + 20) * 3),
  );
  // Behind its last register this server answers with no bytes instead of an exception.
  await assert.rejects(client.read(1, "holding", 1000, 2), { code: "modbus.form" });
}

test("a foreign MODBUS TCP server is read and written, and what it cannot mean is no answer", async () => {
  const listener = createServer();
  const sockets = new Set<Socket>();
  listener.on("connection", (socket) => void sockets.add(socket));
  new server.TCP(listener, tables());
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as { port: number };
  const client = new ModbusClient({
    wire: wireOf(connect(port, "127.0.0.1")),
    framing: "tcp",
    clock: simulatedClock(),
    timeoutMs: 1000,
  });
  try {
    await conversation(client);
    for (const socket of sockets) socket.destroy();
    await assert.rejects(
      (async () => {
        for (;;) await client.read(1, "holding", 0, 1);
      })(),
      { code: "modbus.closed" },
    );
    assert.equal(client.isOpen, false);
  } finally {
    client.close();
    listener.close();
  }
});

test("a foreign MODBUS RTU server is read and written over a line, and silence is a timeout", async () => {
  const [ours, theirs] = cable();
  new server.RTU(theirs as ConstructorParameters<typeof server.RTU>[0], tables());
  const clock = simulatedClock();
  const client = new ModbusClient({ wire: wireOf(ours), framing: "rtu", clock, timeoutMs: 1000 });
  await conversation(client);
  const [deaf] = cable();
  const alone = new ModbusClient({ wire: wireOf(deaf), framing: "rtu", clock, timeoutMs: 1000 });
  const asked = alone.read(1, "holding", 0, 1);
  const rejected = assert.rejects(asked, { code: "modbus.timeout", kind: "timeout" });
  await new Promise((resolve) => void setImmediate(resolve));
  clock.advance(1000);
  await rejected;
});
