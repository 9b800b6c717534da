import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { generateKeyPairFromSeed } from "@libp2p/crypto/keys";
import { pureJsCrypto } from "@libp2p/noise";
import { noiseCrypto, signing } from "./noise-crypto.ts";

test("keys that are derived are those of the implementation in JavaScript", () => {
  for (const length of [0, 32]) {
    const [ck, ikm] = [randomBytes(32), randomBytes(length)];
    const made = noiseCrypto.getHKDF(ck, ikm).map((key) => Buffer.from(key));
    assert.deepEqual(
      made,
      pureJsCrypto.getHKDF(ck, ikm).map((key) => Buffer.from(key)),
    );
  }
});

test("both sides share a secret, whoever made its keys, and the secret half is in no byte array", () => {
  const [mine, theirs] = [noiseCrypto.generateX25519KeyPair(), pureJsCrypto.generateX25519KeyPair()];
  const ours = noiseCrypto.generateX25519SharedKey(mine.privateKey, theirs.publicKey);
  assert.deepEqual(
    Buffer.from(pureJsCrypto.generateX25519SharedKey(theirs.privateKey, mine.publicKey)),
    Buffer.from(ours),
  );
  assert.equal(mine.privateKey.length, 0);
  assert.throws(() => pureJsCrypto.generateX25519SharedKey(mine.privateKey, theirs.publicKey));
});

test("a public key of small order gives no secret", () => {
  const { privateKey } = noiseCrypto.generateX25519KeyPair();
  assert.throws(() => noiseCrypto.generateX25519SharedKey(privateKey, new Uint8Array(32)));
});

test("signatures are those of libp2p's own key, the first time and again", async () => {
  const seed = randomBytes(32);
  const key = signing(await generateKeyPairFromSeed("Ed25519", seed), seed);
  const plain = await generateKeyPairFromSeed("Ed25519", seed);
  const messages = Array.from({ length: 9 }, (_, at) => Buffer.from(`message ${at % 7}`));
  for (const message of [...messages, ...messages])
    assert.deepEqual(Buffer.from(await key.sign(message)), Buffer.from(await plain.sign(message)));
});
