import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { simulatedClock } from "@skep/testing";
import { Deframer, frame } from "./framing.ts";
import {
  crc16,
  decodeReply,
  decodeValue,
  encodeRequest,
  encodeValue,
  ModbusClient,
  numberTypes,
  type Request,
  tables,
} from "./mod.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** Request and answer of each function, from MODBUS Application Protocol Specification V1.1b3, 6.1 to 6.12. */
const specification: readonly (readonly [Request, string, string, readonly number[]])[] = [
  [
    { op: "read", table: "coil", address: 0x13, count: 19 },
    "01 0013 0013",
    "01 03 CD 6B 05",
    [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1],
  ],
  [
    { op: "read", table: "discrete", address: 0xc4, count: 22 },
    "02 00C4 0016",
    "02 03 AC DB 35",
    [0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1],
  ],
  [
    { op: "read", table: "holding", address: 0x6b, count: 3 },
    "03 006B 0003",
    "03 06 022B 0000 0064",
    [555, 0, 100],
  ],
  [{ op: "read", table: "input", address: 8, count: 1 }, "04 0008 0001", "04 02 000A", [10]],
  [{ op: "write", table: "coil", address: 0xac, values: [1] }, "05 00AC FF00", "05 00AC FF00", []],
  [{ op: "write", table: "holding", address: 1, values: [3] }, "06 0001 0003", "06 0001 0003", []],
  [
    { op: "write", table: "coil", address: 0x13, values: [1, 0, 1, 1, 0, 0, 1, 1, 1, 0] },
    "0F 0013 000A 02 CD 01",
    "0F 0013 000A",
    [],
  ],
  [
    { op: "write", table: "holding", address: 1, values: [10, 0x102] },
    "10 0001 0002 04 000A 0102",
    "10 0001 0002",
    [],
  ],
];

test("requests are the bytes of the specification, and its answers are read", () => {
  for (const [request, asked, answered, values] of specification) {
    assert.deepEqual(encodeRequest(request), hex(asked), asked);
    assert.deepEqual(decodeReply(request, hex(answered)), { ok: true, values }, answered);
    const exception = Buffer.from([(hex(asked)[0] ?? 0) | 0x80, 2]);
    assert.deepEqual(decodeReply(request, exception), { ok: false, exception: 2 });
  }
});

test("a frame of a serial line ends with its checksum, low byte first", () => {
  // The check value of CRC-16/MODBUS in the catalogue of parametrised CRC algorithms (RevEng), and a request from
  // MODBUS over Serial Line V1.02.
  assert.equal(crc16(Buffer.from("123456789")), 0x4b37);
  assert.deepEqual(frame("rtu", 0x11, 0, hex("03006B0003")), hex("11 03 006B 0003 7687"));
  assert.deepEqual(frame("tcp", 0x11, 1, hex("03006B0003")), hex("0001 0000 0006 11 03 006B 0003"));
});

const request: fc.Arbitrary<Request> = fc.oneof(
  fc
    .record({
      table: fc.constantFrom(...tables),
      address: fc.integer({ min: 0, max: 60_000 }),
      count: fc.integer({ min: 1, max: 125 }),
    })
    .map((of): Request => ({ op: "read", ...of })),
  fc
    .record({
      address: fc.integer({ min: 0, max: 60_000 }),
      values: fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 1, maxLength: 123 }),
    })
    .map((of): Request => ({ op: "write", table: "holding", ...of })),
);

test("whatever bytes come as an answer, they are values, an exception or refused as no answer", () => {
  fc.assert(
    fc.property(request, fc.uint8Array({ maxLength: 260 }), (asked, bytes) => {
      try {
        const reply = decodeReply(asked, bytes);
        if (reply.ok && asked.op === "read") assert.equal(reply.values.length, asked.count);
      } catch (thrown) {
        assert.equal((thrown as { code?: string }).code, "modbus.form");
      }
    }),
  );
});

test("frames are found again however their bytes are cut, and noise is refused or waits for more", () => {
  const pdus = fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(pdus, fc.integer({ min: 1, max: 40 }), (all, step) => {
      const bytes = Buffer.concat(all.map((pdu, at) => frame("tcp", 9, at, pdu)));
      const deframer = new Deframer("tcp");
      const found = [];
      for (let at = 0; at < bytes.length; at += step)
        found.push(...deframer.push(bytes.subarray(at, at + step)));
      assert.deepEqual(
        found.map(({ transaction, pdu }) => [transaction, [...pdu]]),
        all.map((pdu, at) => [at, [...pdu]]),
      );
    }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom("tcp" as const, "rtu" as const),
      fc.uint8Array({ maxLength: 300 }),
      (framing, bytes) => {
        try {
          new Deframer(framing).push(bytes);
        } catch (thrown) {
          assert.equal((thrown as { code?: string }).code, "modbus.form");
        }
      },
    ),
  );
});

test("a serial frame with one wrong bit is never taken", () => {
  const good = frame("rtu", 17, 0, hex("0306022B00000064"));
  assert.equal(new Deframer("rtu").push(good).length, 1);
  for (let bit = 0; bit < good.length * 8; bit += 1) {
    const bad = Buffer.from(good);
    bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    let taken = 0;
    try {
      taken = new Deframer("rtu").push(bad).length;
    } catch {
      continue;
    }
    assert.equal(taken, 0, `bit ${bit}`);
  }
});

test("numbers come back from their registers in either order of words", () => {
  const value = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger(),
  );
  fc.assert(
    fc.property(value, fc.constantFrom(...numberTypes), fc.boolean(), (number, type, low) => {
      const order = low ? "low-first" : "high-first";
      let words: number[];
      try {
        words = encodeValue(number, type, order);
      } catch (thrown) {
        return assert.equal((thrown as { code?: string }).code, "modbus.value");
      }
      const read = decodeValue(words, type, order);
      const expected = type === "f32" ? Math.fround(number) : number;
      return assert.equal(read, expected === 0 && !type.startsWith("f") ? 0 : expected);
    }),
  );
  assert.deepEqual(encodeValue(50, "f32", "low-first"), [0, 0x4248]);
  assert.throws(() => encodeValue(70_000, "u16"), { code: "modbus.value" });
  assert.throws(() => encodeValue(-1e39, "f32"), { code: "modbus.value" });
});

test("more than a message holds, and beyond the last address, is refused before it is sent", () => {
  for (const [address, count] of [
    [0, 126],
    [65_535, 2],
    [-1, 1],
    [0, 0],
    [0.5, 1],
  ] as const)
    assert.throws(() => encodeRequest({ op: "read", table: "holding", address, count }), {
      code: "modbus.range",
    });
});

test("a refusal is told by its name and whether it leaves open what was done, and an answer that comes too late is none to the next question", async () => {
  const sent: Buffer[] = [];
  let told: (bytes: Uint8Array) => void = () => undefined;
  const clock = simulatedClock();
  const wire = {
    send: (bytes: Uint8Array) => void sent.push(Buffer.from(bytes)),
    listen: ({ bytes }: { bytes: (bytes: Uint8Array) => void }) => {
      told = bytes;
    },
    close: () => undefined,
  };
  const client = new ModbusClient({ wire, framing: "tcp", clock, timeoutMs: 100 });
  const asked = async (count: number) => {
    while (sent.length < count) await new Promise((resolve) => void setImmediate(resolve));
  };
  const first = assert.rejects(client.read(1, "holding", 0, 1), { code: "modbus.timeout" });
  await asked(1);
  clock.advance(100);
  await first;
  const second = client.read(1, "holding", 0, 1);
  await asked(2);
  told(frame("tcp", 1, 1, hex("03020001")));
  told(frame("tcp", 1, 2, hex("03020002")));
  assert.deepEqual(await second, [2]);
  const third = assert.rejects(client.write(1, "holding", 0, [7]), {
    code: "modbus.exception",
    message: /unit 1: illegal data address/,
  });
  await asked(3);
  told(frame("tcp", 1, 3, hex("8602")));
  await third;
  for (const [nth, exception, code] of [
    [4, "05", "modbus.unsure"],
    [5, "0b", "modbus.unsure"],
    [6, "0a", "modbus.exception"],
  ] as const) {
    const write = assert.rejects(client.write(1, "holding", 0, [7]), { code });
    await asked(nth);
    told(frame("tcp", 1, nth, hex(`86${exception}`)));
    await write;
  }
});
