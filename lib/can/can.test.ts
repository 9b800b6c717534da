import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type CanFrame,
  decodeFrame,
  decodeSignal,
  encodeFrame,
  encodeSignal,
  parseDumpLine,
  printDumpLine,
  type Signal,
} from "./mod.ts";

/** Signals of `motohawk.dbc`, and what cantools decodes with them, both from the README of cantools (MIT). */
const motohawk = {
  Enable: { start: 7, length: 1, order: "big", signed: false, scale: 1, offset: 0 },
  AverageRadius: { start: 6, length: 6, order: "big", signed: false, scale: 0.1, offset: 0 },
  Temperature: { start: 0, length: 12, order: "big", signed: true, scale: 0.01, offset: 250 },
} as const satisfies Record<string, Signal>;

test("a frame that cantools decodes has the same values here", () => {
  const data = Buffer.from("804A0F0000000000", "hex");
  assert.equal(decodeSignal(motohawk.Enable, data), 1);
  assert.equal(decodeSignal(motohawk.AverageRadius, data), 0);
  assert.equal(decodeSignal(motohawk.Temperature, data).toFixed(2), "255.92");
  let made: Uint8Array = new Uint8Array(8);
  made = encodeSignal(motohawk.Temperature, 250.1, made);
  made = encodeSignal(motohawk.AverageRadius, 3.2, made);
  made = encodeSignal(motohawk.Enable, 1, made);
  assert.equal(decodeSignal(motohawk.AverageRadius, made).toFixed(1), "3.2");
  assert.equal(decodeSignal(motohawk.Temperature, made).toFixed(2), "250.10");
  assert.equal(decodeSignal(motohawk.Enable, made), 1);
});

/** Logs of candump: one that several public tools carry as their example, and that of the README of cantools. */
const logs = [
  "(1436509052.249713) vcan0 044#2A366C2BBA",
  "(1436509053.050284) vcan0 17F#C7",
  "(1436509053.850870) vcan0 1A0#9C20407F96EA167B",
  "(1609779922.655421) vcan0 00000343#B204B9049C049C04",
  "(1609779922.655735) vcan0 0000024A#120527052E051905",
];

test("lines of a foreign log are read, and printed as they were", () => {
  for (const line of logs) assert.equal(printDumpLine(parseDumpLine(line)), line);
  const [first, , , fourth] = logs.map((line) => parseDumpLine(line).frame);
  assert.deepEqual([first?.id, first?.extended, first?.data.length], [0x44, false, 5]);
  assert.deepEqual([fourth?.id, fourth?.extended], [0x343, true]);
  const { frame } = parseDumpLine("(0000000000.000000) can0 123##1AABB");
  assert.deepEqual([frame.fd, [...frame.data]], [{ flags: 1 }, [0xaa, 0xbb]]);
  assert.equal(parseDumpLine("(0000000000.000000) can0 123#R").frame.remote, true);
});

test("a frame lies in memory as the kernel's headers say", () => {
  const { frame } = parseDumpLine("(0000000000.000000) can0 12345678#DEADBEEF");
  assert.equal(encodeFrame(frame).toString("hex"), "7856349204000000deadbeef00000000");
  const fd = parseDumpLine("(0000000000.000000) can0 7FF##3".concat("11".repeat(12))).frame;
  assert.equal(encodeFrame(fd).toString("hex").slice(0, 40), `ff0700000c030000${"11".repeat(12)}`);
  assert.equal(encodeFrame(fd).length, 72);
});

const lengths = fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64);
const frames: fc.Arbitrary<CanFrame> = fc
  .record({
    id: fc.integer({ min: 0, max: 0x1fff_ffff }),
    extended: fc.boolean(),
    flags: fc.integer({ min: 0, max: 3 }),
  })
  .chain(({ id, extended, flags }) =>
    lengths.chain((length) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({
        id: extended ? id : id & 0x7ff,
        extended,
        remote: false,
        error: false,
        fd: length > 8 ? { flags } : (false as const),
        data,
      })),
    ),
  );

test("every frame comes back from its bytes and from its line", () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 0, max: 2 ** 50 }), (frame, micros) => {
      assert.deepEqual(decodeFrame(encodeFrame(frame)), frame);
      const at = micros % 9_999_999_999_000_000;
      assert.deepEqual(parseDumpLine(printDumpLine({ at, bus: "can0", frame })), { at, bus: "can0", frame });
    }),
  );
});

test("whatever bytes or text come, they are a frame or refused", () => {
  const codes = ["can.form", "can.line", "can.frame"];
  const tried = (act: () => unknown) => {
    try {
      act();
    } catch (thrown) {
      assert.ok(codes.includes((thrown as { code?: string }).code ?? ""), String(thrown));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => tried(() => decodeFrame(bytes))));
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => tried(() => decodeFrame(bytes))),
  );
  fc.assert(
    fc.property(fc.string(), (text) => tried(() => parseDumpLine(`(1436509052.249713) vcan0 044#${text}`))),
  );
  fc.assert(fc.property(fc.string(), (text) => tried(() => parseDumpLine(text))));
});

test("a signal comes back from where it was written and touches no other bit", () => {
  const signal = fc.record({
    start: fc.integer({ min: 0, max: 63 }),
    length: fc.integer({ min: 1, max: 52 }),
    order: fc.constantFrom("little" as const, "big" as const),
    signed: fc.boolean(),
    scale: fc.constant(1),
    offset: fc.constant(0),
  });
  fc.assert(
    fc.property(
      signal,
      fc.maxSafeInteger(),
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      (one, number, data) => {
        const span = 2 ** one.length;
        const value = (((number % span) + span) % span) - (one.signed ? span / 2 : 0);
        try {
          const made = encodeSignal(one, value, data);
          assert.equal(decodeSignal(one, made), value);
          const changed = made.reduce(
            (sum, byte, at) => sum + ((byte ^ (data[at] ?? 0)).toString(2).match(/1/g)?.length ?? 0),
            0,
          );
          assert.ok(changed <= one.length);
          assert.deepEqual(encodeSignal(one, decodeSignal(one, data), made), data);
        } catch (thrown) {
          assert.equal((thrown as { code?: string }).code, "can.signal");
        }
      },
    ),
  );
});
