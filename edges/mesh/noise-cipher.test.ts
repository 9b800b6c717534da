import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { pureJsCrypto } from "@libp2p/noise";
import { noiseCipher } from "./noise-cipher.ts";

const [key, nonce, ad] = [randomBytes(32), randomBytes(12), randomBytes(32)];
const none = new Uint8Array();
const lengths = [0, 1, 983, 984, 999, 1000, 1001, 4096, 65_519];

test("messages of all lengths are those of the implementation in JavaScript, and are read by it and by us", () => {
  for (const length of lengths)
    for (const extra of [none, ad]) {
      const plain = randomBytes(length);
      const sealed = noiseCipher.chaCha20Poly1305Encrypt(plain, nonce, extra, key).subarray();
      const theirs = pureJsCrypto.chaCha20Poly1305Encrypt(plain, nonce, extra, key).subarray();
      assert.deepEqual(Buffer.from(sealed), Buffer.from(theirs));
      // What is decrypted may be written over what was read, as the library asks for it.
      const read = Buffer.from(sealed);
      const dst = read.subarray(0, length);
      assert.deepEqual(
        Buffer.from(noiseCipher.chaCha20Poly1305Decrypt(read, nonce, extra, key, dst).subarray()),
        plain,
      );
    }
});

test("a message with another bit, nonce, key or context is refused, and one that is no longer than a tag", () => {
  for (const length of [10, 2000]) {
    const sealed = Buffer.from(
      noiseCipher.chaCha20Poly1305Encrypt(randomBytes(length), nonce, ad, key).subarray(),
    );
    const flipped = (at: number): Buffer => {
      const bytes = Buffer.from(sealed);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    };
    const refused: [Buffer, Buffer, Uint8Array, Buffer][] = [
      [flipped(0), nonce, ad, key],
      [flipped(sealed.length - 1), nonce, ad, key],
      [sealed, randomBytes(12), ad, key],
      [sealed, nonce, none, key],
      [sealed, nonce, ad, randomBytes(32)],
      [sealed.subarray(0, 15), nonce, ad, key],
    ];
    for (const [bytes, ...rest] of refused)
      assert.throws(() =>
        noiseCipher.chaCha20Poly1305Decrypt(Buffer.from(bytes), ...rest, new Uint8Array(length)),
      );
  }
});
