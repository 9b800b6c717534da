import { createHash, createPrivateKey, type KeyObject } from "node:crypto";

/** An Ed25519 key that follows from a word: for scenarios that must come out the same every time. */
export function homeKeyOf(word: string): KeyObject {
  const seed = createHash("sha256").update(word).digest();
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}
