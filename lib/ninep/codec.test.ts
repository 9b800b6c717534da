import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hot } from "./hot.ts";
import {
  type Arbitraries,
  arbitraryOf,
  decode,
  encode,
  type Message,
  type MessageName,
  messageNames,
  messages,
  nameOf,
  numberOf,
  print,
} from "./mod.ts";
import { Reader, Writer } from "./cursor.ts";
import { type Field, struct } from "./fields.ts";

function any(name: MessageName): fc.Arbitrary<Message> {
  return arbitraryOf(fc as unknown as Arbitraries, name) as unknown as fc.Arbitrary<Message>;
}

const quick = { numRuns: 30 };

for (const name of messageNames) {
  test(`${name} decodes to what was encoded`, () => {
    fc.assert(
      fc.property(any(name), (message) => {
        const bytes = encode(message);
        assert.deepEqual(decode(bytes), message);
        assert.equal(bytes[4], numberOf(name));
        assert.equal(nameOf(numberOf(name)), name);
      }),
      quick,
    );
  });

  test(`${name} is refused when a byte is missing or left over`, () => {
    fc.assert(
      fc.property(any(name), (message) => {
        const bytes = encode(message);
        for (let length = 0; length < bytes.length; length++) {
          const cut = Buffer.from(bytes.subarray(0, length));
          if (length >= 4) cut.writeUInt32LE(length);
          assert.throws(() => decode(cut), { code: "ninep.malformed" });
          assert.throws(() => decode(bytes.subarray(0, length)), { code: "ninep.malformed" });
        }
        const longer = Buffer.concat([bytes, Buffer.from([0])]);
        assert.throws(() => decode(longer), { code: "ninep.malformed" });
        longer.writeUInt32LE(longer.length);
        assert.throws(() => decode(longer), { code: "ninep.malformed" });
      }),
      { numRuns: 4 },
    );
  });

  test(`${name} prints as one line of printable ASCII`, () => {
    fc.assert(
      fc.property(any(name), (message) => {
        assert.match(print(message), /^[TR][a-z]+ tag=[\x20-\x7e…]*$/);
      }),
      quick,
    );
  });
}

for (const [name, byHand] of Object.entries(hot) as [MessageName, Pick<Field<object>, "read" | "write">][])
  test(`${name} done by hand is what its table says`, () => {
    const table = struct(messages[name][1]) as unknown as Field<object>;
    fc.assert(
      fc.property(any(name), (message) => {
        const size = table.size(message);
        const [one, other] = [Buffer.alloc(size), Buffer.alloc(size)];
        table.write(new Writer(one, 0), message);
        byHand.write(new Writer(other, 0), message);
        assert.deepEqual(other, one);
        assert.deepEqual(byHand.read(new Reader(one, 0, size)), table.read(new Reader(one, 0, size)));
      }),
      quick,
    );
  });

test("every request has an answer whose number is the next", () => {
  for (const name of messageNames)
    if (name.startsWith("T")) assert.equal(nameOf(numberOf(name) + 1), `R${name.slice(1)}`);
});

test("random bytes are a message or malformed, never anything else", () => {
  fc.assert(
    fc.property(fc.constantFrom(...messageNames), fc.uint8Array({ maxLength: 80 }), (name, body) => {
      const frame = Buffer.concat([Buffer.alloc(7), body]);
      frame.writeUInt32LE(frame.length);
      frame[4] = numberOf(name);
      try {
        assert.deepEqual(encode(decode(frame)), frame);
      } catch (thrown) {
        assert.equal((thrown as { code: string }).code, "ninep.malformed");
      }
    }),
    { numRuns: 400 },
  );
});

const walk = (names: string[]): Message => ({ type: "Twalk", tag: 1, fid: 0, newfid: 1, names });

/** The frame of a Twalk to one name of these bytes. */
function walkFrame(name: readonly number[]): Buffer {
  const frame = encode(walk(["x".repeat(name.length)]));
  frame.set(name, frame.length - name.length);
  return frame;
}

for (const [why, bytes] of [
  ["a slash", [97, 47]],
  ["NUL", [97, 0]],
  ["a lone continuation byte", [0x80]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
] as const)
  test(`a name with ${why} is malformed`, () => {
    assert.throws(() => decode(walkFrame(bytes)), { code: "ninep.malformed" });
  });

test("a walk of seventeen names is refused on both sides", () => {
  const names = Array.from({ length: 16 }, () => "a");
  assert.equal(encode(walk(names)).length, 17 + 48);
  assert.throws(() => encode(walk([...names, "a"])), { code: "ninep.unencodable" });
  const frame = Buffer.concat([encode(walk(names)), Buffer.from("\x01\0a")]);
  frame.writeUInt32LE(frame.length);
  frame.writeUInt16LE(17, 15);
  assert.throws(() => decode(frame), { code: "ninep.malformed" });
});

for (const offset of [-1, 0.5, Number.NaN, 2 ** 53, 1n << 64n, -1n])
  test(`an offset of ${offset} has no form on the wire`, () => {
    const message: Message = { type: "Tread", tag: 1, fid: 0, offset, count: 1 };
    assert.throws(() => encode(message), { code: "ninep.unencodable" });
  });

test("a 64-bit number is a bigint only where a number would not be exact", () => {
  const decoded = (offset: bigint) => {
    const message = decode(encode({ type: "Tread", tag: 1, fid: 0, offset, count: 1 }));
    return message.type === "Tread" ? message.offset : undefined;
  };
  assert.equal(decoded((1n << 53n) - 1n), Number.MAX_SAFE_INTEGER);
  assert.equal(decoded(1n << 53n), 1n << 53n);
  assert.equal(decoded((1n << 64n) - 1n), (1n << 64n) - 1n);
});

test("what is printed escapes what came from outside", () => {
  const message: Message = { ...walk(["a\u001b[31m\u202e\n"]), tag: 7 };
  assert.equal(print(message), 'Twalk tag=7 fid=0 newfid=1 names=["a\\u001b[31m\\u{202e}\\n"]');
  const data: Message = { type: "Rread", tag: 1, data: Buffer.from("a\0é") };
  assert.equal(print(data), 'Rread tag=1 data=4:"a\\u0000\\u{c3}\\u{a9}"');
});
