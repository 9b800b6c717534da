import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  boxOf,
  classes,
  createBox,
  type Invite,
  joinCode,
  openBox,
  parseInvite,
  printInvite,
  sealFor,
} from "./mod.ts";

const { privateKey } = generateKeyPairSync("ed25519");
const hiveKey = Buffer.from(
  createPublicKey(privateKey).export({ format: "jwk" }).x ?? "",
  "base64url",
).toString("hex");
const now = 1_800_000_000_000;
const invite: Invite = {
  hiveKey,
  hive: "hive-abc",
  id: "00112233445566ff",
  class: "owned",
  role: "worker",
  expiresAt: now + 900_000,
  ticket: Buffer.from("a ticket of some length").toString("base64url"),
  addresses: ["/ip4/192.0.2.1/tcp/7781", "/ip6/2001:db8::1/tcp/7781"],
};
const line = printInvite(invite, privateKey);
const code = (text: string, at = now): string => {
  try {
    parseInvite(text, at);
    return "ok";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test("an invitation is read as it was made, also when its line was broken", () => {
  assert.deepEqual(parseInvite(line, now), invite);
  assert.deepEqual(parseInvite(`  ${line.slice(0, 40)}\n  ${line.slice(40)}\r\n`, now), invite);
});

test("every class survives", () => {
  for (const name of classes)
    assert.equal(parseInvite(printInvite({ ...invite, class: name }, privateKey), now).class, name);
});

test("an invitation ends at its second, not before", () => {
  assert.equal(code(line, invite.expiresAt - 1), "ok");
  assert.equal(code(line, invite.expiresAt), "invite.expired");
});

test("no change of a bit, cut or addition is accepted, and each is refused as such", () => {
  const bytes = Buffer.from(line.slice("skep-join-".length), "base64url");
  fc.assert(
    fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.match(code(`skep-join-${copy.toString("base64url")}`), /^invite\.(damaged|forged|newer)$/);
    }),
  );
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), (length) => {
      assert.match(
        code(`skep-join-${bytes.subarray(0, length).toString("base64url")}`),
        /^invite\.(damaged|forged)$/,
      );
    }),
  );
  assert.match(code(`${line}AAAA`), /^invite\.(damaged|forged)$/);
  assert.equal(code("hello"), "invite.damaged");
  assert.equal(code(line.replace("skep-join-", "skep-join-!")), "invite.damaged");
});

test("another hive's signature under this hive's key is forged", () => {
  const other = generateKeyPairSync("ed25519").privateKey;
  assert.equal(code(printInvite(invite, other)), "invite.forged");
});

test("the code is six digits that depend on hive, node and invitation", () => {
  const one = joinCode(hiveKey, "aa", "01");
  assert.match(one, /^\d{6}$/);
  assert.equal(one, joinCode(hiveKey, "aa", "01"));
  const others = [joinCode(hiveKey, "ab", "01"), joinCode(hiveKey, "aa", "02"), joinCode("00", "aa", "01")];
  assert.equal(new Set([one, ...others]).size, 4);
});

test("what is sealed for a box opens in it only, and not when a byte changed", () => {
  const box = createBox();
  const sealed = sealFor(box.publicKey, "the ticket");
  assert.equal(openBox(boxOf(box.secret), sealed), "the ticket");
  assert.throws(() => openBox(createBox(), sealed), { code: "invite-box.open" });
  for (const at of [0, 33, Buffer.from(sealed, "base64url").length - 1]) {
    const bytes = Buffer.from(sealed, "base64url");
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    assert.throws(() => openBox(box, bytes.toString("base64url")), { code: "invite-box.open" });
  }
});
