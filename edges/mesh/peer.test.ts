import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { test } from "node:test";
import { keyOfPeer, peerOfKey } from "./mod.ts";

const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex");

function publicOf(seed: Uint8Array): Uint8Array {
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: "der", type: "pkcs8" });
  return Buffer.from(createPublicKey(key).export({ format: "jwk" }).x ?? "", "base64url");
}

test("a PeerId is the one that libp2p makes of the same key, and gives the key back", async () => {
  const { generateKeyPairFromSeed } = await import("@libp2p/crypto/keys");
  const { peerIdFromPrivateKey } = await import("@libp2p/peer-id");
  for (const fill of [0, 1, 77, 255]) {
    const seed = Buffer.alloc(32, fill);
    const theirs = peerIdFromPrivateKey(await generateKeyPairFromSeed("Ed25519", seed)).toString();
    assert.equal(peerOfKey(publicOf(seed)), theirs);
    assert.deepEqual(Buffer.from(keyOfPeer(theirs)), Buffer.from(publicOf(seed)));
  }
});

test("what is no PeerId of an Ed25519 key is refused", () => {
  for (const text of [
    "",
    "12D3KooW",
    "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
    "0".repeat(52),
    "z".repeat(52),
  ])
    assert.throws(() => keyOfPeer(text), { code: "mesh.peer" });
  assert.throws(() => peerOfKey(Buffer.alloc(31)), { code: "mesh.key" });
});
