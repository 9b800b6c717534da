import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto";
import type { ICryptoInterface } from "@libp2p/noise";
import { defaultCrypto } from "@libp2p/noise/crypto";

type Cipher = Pick<ICryptoInterface, "chaCha20Poly1305Encrypt" | "chaCha20Poly1305Decrypt">;

const algorithm = "chacha20-poly1305";
const authTagLength = 16;
/** Bytes from which the system's library is faster than that of libp2p, which runs as WebAssembly. */
const fewest = 1000;

/** The bytes of a key come with each message; to read them anew costs more than most messages. */
const keys = new WeakMap<Uint8Array, KeyObject>();

function keyOf(bytes: Uint8Array): KeyObject {
  const known = keys.get(bytes);
  if (known) return known;
  const key = createSecretKey(bytes);
  keys.set(bytes, key);
  return key;
}

/** The cipher of Noise (ChaCha20-Poly1305, RFC 8439) by whichever library is faster for the length of a message. */
export const noiseCipher: Cipher = {
  chaCha20Poly1305Encrypt: (plaintext, nonce, ad, k) => {
    if (plaintext.byteLength < fewest) return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, k);
    const cipher = createCipheriv(algorithm, keyOf(k), nonce, { authTagLength });
    cipher.setAAD(ad, { plaintextLength: plaintext.byteLength });
    return Buffer.concat([cipher.update(plaintext.subarray()), cipher.final(), cipher.getAuthTag()]);
  },
  chaCha20Poly1305Decrypt: (ciphertext, nonce, ad, k, dst) => {
    if (ciphertext.byteLength < fewest)
      return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, k, dst);
    const bytes = ciphertext.subarray();
    const text = bytes.subarray(0, -authTagLength);
    const decipher = createDecipheriv(algorithm, keyOf(k), nonce, { authTagLength });
    decipher.setAAD(ad, { plaintextLength: text.length });
    decipher.setAuthTag(bytes.subarray(-authTagLength));
    const plaintext = decipher.update(text);
    decipher.final();
    return plaintext;
  },
};
