import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { parseKey, parseRevocations, printKey, signSshsig } from "@skep/sshsig";
import fc from "fast-check";
import { judge, parseRoles, parseSigners, printStatement, statementNamespace } from "./mod.ts";
import { createWorld, play, rows, statement, type TestKey } from "./testing/matrix.ts";

function string(bytes: Uint8Array | string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(bytes));
  return Buffer.concat([length, Buffer.from(bytes)]);
}

function softKey(): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const point = Buffer.from(String(publicKey.export({ format: "jwk" }).x), "base64url");
  const key = parseKey(Buffer.concat([string("ssh-ed25519"), string(point)]));
  const signer = {
    key,
    sign: (data: Uint8Array) => Buffer.concat([string("ssh-ed25519"), string(sign(null, data, privateKey))]),
  };
  return {
    pub: printKey(key),
    sign: (text, namespace) => signSshsig(Buffer.from(text), { namespace }, signer),
  };
}

const world = createWorld(softKey);

for (const row of rows)
  test(`${row.why}: ${row.want}`, async () => {
    assert.equal(await play(world, row), row.want);
  });

test("the judgement names owners, keys and the digest of what was signed", async () => {
  const text = printStatement(statement);
  const signature = await world.keys.alice.sign(text, statementNamespace);
  const judged = judge(text, [signature], world.context);
  assert.deepEqual(judged.statement, statement);
  assert.match(judged.digest, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(judged.signatures[0]?.owners, ["alice"]);
  assert.match(judged.signatures[0]?.fingerprint ?? "", /^SHA256:/);
});

test("an accepted act runs once: its nonce burns before anything else is looked at", async () => {
  const text = printStatement(statement);
  const signature = await world.keys.alice.sign(text, statementNamespace);
  const burnt = new Set<string>();
  const context = { ...world.context, burnt: (nonce: string) => burnt.has(nonce) };
  burnt.add(judge(text, [signature], context).statement.nonce);
  const gone = { ...context, target: { path: "/guests/pve1/101", identity: "nothing", digest: null } };
  for (const later of [context, gone, { ...gone, now: statement.notAfter + 1 }])
    assert.throws(() => judge(text, [signature], later), { code: "statement.replayed" });
});

test("a key that two names may be of counts once", async () => {
  const [shared, bobs] = [softKey(), softKey()];
  const text = printStatement(statement);
  const signers = parseSigners(`* ${shared.pub}\nbob ${bobs.pub}\n`, "alice operational\nbob operational\n");
  const both = [await shared.sign(text, statementNamespace), await bobs.sign(text, statementNamespace)];
  const context = { ...world.context, signers, revocations: parseRevocations("") };
  assert.throws(() => judge(text, both, { ...context, signatures: 2 }), {
    code: "statement.too-few-signatures",
  });
  assert.deepEqual(judge(text, both, context).signers, ["alice"]);
});

test("a roles file that is half understood allows nobody", () => {
  assert.deepEqual(
    [...(parseRoles("# c\n\nalice operational,recovery # both\n").get("alice") ?? [])],
    ["operational", "recovery"],
  );
  const bad = [
    "alice",
    "alice root",
    "alice operational,",
    "*@x operational",
    "alice operational bob",
    "a,b recovery",
  ];
  for (const text of [...bad, "alice recovery\nalice operational"])
    assert.throws(() => parseRoles(text), { code: "statement.roles" }, text);
});

test("no bytes in the place of text, signature or both are accepted or throw anything but a refusal", async () => {
  const text = Buffer.from(printStatement(statement));
  const signature = Buffer.from(await world.keys.alice.sign(text.toString(), statementNamespace));
  const spoil = (bytes: Buffer) =>
    fc.tuple(fc.nat(bytes.length - 2), fc.nat(7), fc.boolean()).map(([at, bit, cut]) => {
      if (cut) return bytes.subarray(0, at);
      const copy = Buffer.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ (1 << bit);
      return copy;
    });
  const noise = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
  const parts = fc.oneof(
    fc.tuple(fc.oneof(spoil(text), noise), fc.constant(signature)),
    fc.tuple(fc.constant(text), fc.oneof(spoil(signature), noise)),
  );
  assert.deepEqual(judge(text, [signature], world.context).signers, ["alice"]);
  fc.assert(
    fc.property(parts, ([said, signed]) => {
      assert.throws(() => judge(said, [signed], world.context), { name: "Fault", code: /^statement\./ });
    }),
    { numRuns: 1500 },
  );
});
