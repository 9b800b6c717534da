import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readTimestamp } from "./mod.ts";

const vectors = fileURLToPath(new URL("../../../shared/vectors/rekor/", import.meta.url));
const bundle = `${vectors}conformance/rekor2-happy-path/`;

test("a timestamp of Sigstore's authority is read, and leads to its root", {
  skip: existsSync(bundle) ? false : "vectors/rekor is not there",
}, () => {
  const { verificationMaterial, messageSignature } = JSON.parse(
    readFileSync(`${bundle}bundle.sigstore.json`, "utf8"),
  );
  const trusted = JSON.parse(readFileSync(`${bundle}trusted_root.json`, "utf8"));
  const chains: string[] = trusted.timestampAuthorities.flatMap(
    ({ certChain }: { certChain: { certificates: { rawBytes: string }[] } }) =>
      certChain.certificates.slice(-1).map(({ rawBytes }) => rawBytes),
  );
  const roots = chains.map((raw) => `-----BEGIN CERTIFICATE-----\n${raw}\n-----END CERTIFICATE-----\n`);
  const signed = createHash("sha256").update(Buffer.from(messageSignature.signature, "base64")).digest();
  const [{ signedTimestamp }] = verificationMaterial.timestampVerificationData.rfc3161Timestamps;
  const read = readTimestamp(Buffer.from(signedTimestamp, "base64"), signed, { roots });
  assert.equal(new Date(read.time).toISOString(), "2025-06-12T12:02:20.000Z");
  assert.match(read.authority, /sigstore/);
  assert.equal(read.trusted, true);
});
