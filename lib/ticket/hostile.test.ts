import assert from "node:assert/strict";
import { createPrivateKey, sign } from "node:crypto";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import fc from "fast-check";
import { library } from "./biscuit.ts";
import { createRoot, mint, verify } from "./mod.ts";

type Field = readonly [number: number, value: number | Buffer];

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

function readVarint(bytes: Buffer, from: number): [value: number, next: number] {
  let value = 0;
  let at = from;
  for (; (bytes[at] ?? 0) > 127; at++) value += ((bytes[at] ?? 0) & 127) * 128 ** (at - from);
  return [value + (bytes[at] ?? 0) * 128 ** (at - from), at + 1];
}

function decode(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [tag, start] = readVarint(bytes, at);
    const [value, next] = readVarint(bytes, start);
    const isBytes = (tag & 7) === 2;
    fields.push([tag >> 3, isBytes ? bytes.subarray(next, next + value) : value]);
    at = isBytes ? next + value : next;
  }
  return fields;
}

function encode(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value]) =>
      typeof value === "number"
        ? [varint(number << 3), varint(value)]
        : [varint((number << 3) | 2), varint(value.length), value],
    ),
  );
}

function bytesOf(fields: readonly Field[], number: number): Buffer {
  const value = fields.find(([each]) => each === number)?.[1];
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

const seed = Buffer.alloc(32, 7);
const root = createRoot(seed);
const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
const now = 1_779_896_995_000;
const against = { rootPublicKeys: [root.publicKey], now, hive: "home" };

/** The same token with its first block's bytes changed and signed again, as a holder can do with a later block. */
function resigned(token: string, change: (block: Buffer) => Buffer): string {
  const outer = decode(Buffer.from(token, "base64url")).map(([number, value]): Field => {
    if (number !== 2 || !Buffer.isBuffer(value)) return [number, value];
    const signed = decode(value);
    const block = change(Buffer.from(bytesOf(signed, 1)));
    const nextKey = bytesOf(decode(bytesOf(signed, 2)), 2);
    const signature = sign(null, Buffer.concat([block, Buffer.alloc(4), nextKey]), key);
    const fresh: Record<number, Buffer> = { 1: block, 3: signature };
    return [number, encode(signed.map(([each, held]): Field => [each, fresh[each] ?? held]))];
  });
  return encode(outer).toString("base64url");
}

const token = await mint(root, {
  subject: "alice",
  role: "queen",
  hive: "home",
  rights: [
    { path: "/a", verb: "rw", rate: 3 },
    { path: "/b", verb: "history" },
  ],
  budgets: { ops: 5 },
  issuedAt: now,
  expiresAt: now + 60_000,
});

test("a block signed again unchanged still verifies, so the test below reaches past the signature", async () => {
  assert.equal(
    (
      await verify(
        resigned(token, (block) => block),
        against,
      )
    ).subject,
    "alice",
  );
});

const patches: [name: string, from: string, to: string, code: string][] = [
  ["names a symbol that it does not have", "088008", "08ff7f", "ticket.unknown-fact"],
  ["is of a version that never was", "1803", "1802", "ticket.malformed"],
];
for (const [name, from, to, code] of patches)
  test(`a block that ${name} is refused as ${code}`, async () => {
    const hostile = resigned(token, (block) => {
      const at = block.indexOf(Buffer.from(from, "hex"));
      assert.notEqual(at, -1);
      return Buffer.concat([
        block.subarray(0, at),
        Buffer.from(to, "hex"),
        block.subarray(at + from.length / 2),
      ]);
    });
    await assert.rejects(verify(hostile, against), { code });
  });

test("any bytes signed as a block give a ticket or a fault of this package, and never trap the library", async () => {
  const before = await library();
  const edit = fc.record({ at: fc.nat(1000), drop: fc.nat(2), insert: fc.uint8Array({ maxLength: 10 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      const hostile = resigned(token, (block) =>
        edits.reduce((bytes, { at, drop, insert }) => {
          const place = at % (bytes.length + 1);
          return Buffer.concat([bytes.subarray(0, place), insert, bytes.subarray(place + drop)]);
        }, block),
      );
      try {
        await verify(hostile, against);
      } catch (thrown) {
        assert.ok(thrown instanceof Fault && thrown.code.startsWith("ticket."), String(thrown));
      }
    }),
    { numRuns: 400 },
  );
  assert.equal(await library(), before);
});
