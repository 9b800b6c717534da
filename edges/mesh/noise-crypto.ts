import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
} from "node:crypto";
import type { PrivateKey } from "@libp2p/interface";
import type { ICryptoInterface } from "@libp2p/noise";
import { defaultCrypto } from "@libp2p/noise/crypto";
import { noiseCipher } from "./noise-cipher.ts";

const x25519Prefix = Buffer.from("302a300506032b656e032100", "hex");
const ed25519Prefix = Buffer.from("302e020100300506032b657004220420", "hex");
const nothing = new Uint8Array();

/** Secret halves, which stay where they were made, by what stands for them. */
const secrets = new WeakMap<object, KeyObject>();

/** The key that was read last: one handshake uses the other side's ephemeral key twice. */
let last: { readonly raw: Buffer; readonly key: KeyObject } | undefined;

function publicKeyOf(bytes: Uint8Array): KeyObject {
  if (last?.raw.equals(bytes)) return last.key;
  const raw = Buffer.from(bytes);
  const key = createPublicKey({ key: Buffer.concat([x25519Prefix, raw]), type: "spki", format: "der" });
  last = { raw, key };
  return key;
}

/** The primitives of Noise, by the system's library also where libp2p has its own or reads every key anew. */
export const noiseCrypto: ICryptoInterface = {
  ...defaultCrypto,
  ...noiseCipher,
  generateX25519KeyPair: () => {
    const pair = generateKeyPairSync("x25519");
    const standIn = new Uint8Array();
    secrets.set(standIn, pair.privateKey);
    const spki = pair.publicKey.export({ type: "spki", format: "der" });
    return { publicKey: spki.subarray(x25519Prefix.length), privateKey: standIn };
  },
  generateX25519SharedKey: (privateKey, publicKey) => {
    const secret = secrets.get(privateKey);
    if (!secret) return defaultCrypto.generateX25519SharedKey(privateKey, publicKey);
    return diffieHellman({ privateKey: secret, publicKey: publicKeyOf(publicKey.subarray()) });
  },
  getHKDF: (ck, ikm) => {
    const bytes = new Uint8Array(hkdfSync("sha256", ikm, ck, nothing, 96));
    return [bytes.subarray(0, 32), bytes.subarray(32, 64), bytes.subarray(64)];
  },
};

/** Messages whose signature is remembered: that of the Noise key is the same in each handshake. */
const remembered = 4;

/** The identity's key, read once; a message that was signed before gets the same signature, as Ed25519 would make it again. */
export function signing(key: PrivateKey, seed: Uint8Array): PrivateKey {
  const der = Buffer.concat([ed25519Prefix, seed]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const signed = new Map<string, Uint8Array>();
  return Object.assign(key, {
    sign: (message: Parameters<PrivateKey["sign"]>[0]): Uint8Array => {
      const bytes = Buffer.from(message.subarray());
      const name = bytes.toString("latin1");
      const made = signed.get(name) ?? sign(null, bytes, secret);
      signed.delete(name);
      signed.set(name, made);
      const [oldest] = signed.keys();
      if (oldest !== undefined && signed.size > remembered) signed.delete(oldest);
      return made;
    },
  });
}
