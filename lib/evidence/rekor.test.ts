import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createVerifier, printVkey } from "@skep/tlog";
import { readRekorEntry } from "./mod.ts";

const bundle = fileURLToPath(
  new URL("../../../shared/vectors/rekor/conformance/rekor2-happy-path/", import.meta.url),
);
const skip = existsSync(bundle) ? false : "vectors/rekor is not there";
const refused = { code: "evidence.rekor" };

test("an entry of Sigstore's log is read by its digest and the key of the log", { skip }, () => {
  const parse = (name: string) => JSON.parse(readFileSync(`${bundle}${name}`, "utf8"));
  const { verificationMaterial, messageSignature } = parse("bundle.sigstore.json");
  const [entry] = verificationMaterial.tlogEntries;
  const origin = entry.inclusionProof.checkpoint.envelope.split("\n", 1)[0] as string;
  const raw: string[] = parse("trusted_root.json").tlogs.flatMap(
    ({ baseUrl, publicKey }: { baseUrl: string; publicKey: { rawBytes: string } }) =>
      baseUrl.includes(origin) ? [publicKey.rawBytes] : [],
  );
  const keys = raw.map((key) => printVkey(createVerifier(origin, Buffer.from(key, "base64").subarray(-32))));
  const digest = Buffer.from(messageSignature.messageDigest.digest, "base64");
  const text = JSON.stringify(entry);
  assert.deepEqual(readRekorEntry(text, digest, { keys }), {
    index: 735,
    size: 736,
    origin,
    trusted: true,
  });
  assert.equal(readRekorEntry(text, digest).trusted, false);
  assert.throws(() => readRekorEntry(text, Buffer.alloc(32)), refused);
  assert.throws(
    () => readRekorEntry(text.replaceAll('"logIndex":"735"', '"logIndex":"734"'), digest, { keys }),
    refused,
  );
  const { privateKey } = generateKeyPairSync("ed25519");
  const stranger = Buffer.from(privateKey.export({ format: "jwk" }).x ?? "", "base64url");
  const other = printVkey(createVerifier(origin, stranger));
  assert.throws(() => readRekorEntry(text, digest, { keys: [other] }), refused);
});
