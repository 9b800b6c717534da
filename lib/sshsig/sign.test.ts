import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  openPrivateKey,
  parseKey,
  parseKeyLine,
  parseSshsig,
  printKey,
  publicKeyOf,
  type SshKey,
  type SshSigner,
  signSshsig,
  verifySshsig,
  withCertificate,
} from "./mod.ts";
import { certify, softEcdsa, softEd25519, softRsa, softSecurityKey } from "./testing/soft-key.ts";

const message = Buffer.from("destroy the guest 101");
const namespace = "skep-statement@v1";
const filed = [softEd25519(), softEcdsa(256), softEcdsa(384), softEcdsa(521), softRsa(2048)];
const signers: readonly SshSigner[] = [
  ...filed,
  softRsa(2048, "rsa-sha2-256"),
  softSecurityKey("ed25519", 1),
  softSecurityKey("ecdsa", 5),
];

test("each key type signs, and its signature says by what", async () => {
  const said = [];
  for (const signer of signers) {
    const parsed = parseSshsig(await signSshsig(message, { namespace }, signer));
    const { algorithm, securityKey } = verifySshsig(parsed, message, namespace);
    said.push(algorithm + (securityKey ? ` ${securityKey.application} ${securityKey.verified}` : ""));
  }
  assert.deepEqual(said, [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "sk-ssh-ed25519@openssh.com ssh: false",
    "sk-ecdsa-sha2-nistp256@openssh.com ssh: true",
  ]);
});

test("a private key file opens to a signer of its public key", async () => {
  for (const { file, key } of filed) {
    const opened = openPrivateKey(file);
    assert.equal(opened.comment, "a comment");
    assert.equal(printKey(opened.key), printKey(key));
    assert.equal(publicKeyOf(Buffer.from(file)).fingerprint, key.fingerprint);
    const armoured = await signSshsig(message, { namespace, hash: "sha256" }, opened);
    assert.equal(parseSshsig(armoured).hash, "sha256");
  }
});

test("a private key file of two different halves is refused", () => {
  const [one, two] = [softEd25519(), softEd25519()];
  const bytes = (file: string) => Buffer.from(file.split("\n").slice(1, -2).join(""), "base64");
  const head = bytes(one.file).subarray(0, 98); // up to the end of the public half
  const mixed = Buffer.concat([head, bytes(two.file).subarray(98)]).toString("base64");
  const file = `-----BEGIN OPENSSH PRIVATE KEY-----\n${mixed}\n-----END OPENSSH PRIVATE KEY-----\n`;
  assert.throws(() => openPrivateKey(file), { code: "sshsig.private-key" });
});

test("SHA-1 and small RSA keys sign nothing that verifies", async () => {
  const sha1 = softRsa(2048, "ssh-rsa");
  await assert.rejects(signSshsig(message, { namespace }, sha1), { code: "sshsig.algorithm" });
  await assert.rejects(signSshsig(message, { namespace }, softRsa(1024)), { code: "sshsig.weak-key" });
});

test("a certificate travels in the signature, and only with its own key", async () => {
  const authority = softEd25519();
  for (const signer of signers) {
    const certified = certify(signer.key, authority);
    const armoured = await signSshsig(message, { namespace }, withCertificate(signer, certified));
    const { key } = parseSshsig(armoured);
    assert.equal(key.fingerprint, signer.key.fingerprint);
    assert.equal(key.certificate?.keyId, "alice-2026");
    assert.equal(key.certificate?.authority.fingerprint, authority.key.fingerprint);
    assert.equal(printKey(key), printKey(certified));
  }
  const other = certify(softEd25519().key, authority);
  assert.throws(() => withCertificate(softEd25519(), other), { code: "sshsig.certificate" });
});

test("a certificate that its authority did not sign so is no certificate", () => {
  const { certificate } = certify(softEd25519().key, softEd25519(), { principals: ["alice"] });
  const forged = Buffer.from(certificate?.blob ?? []);
  forged.write("malic", forged.indexOf("alice"));
  assert.throws(() => parseKey(forged), { code: "sshsig.certificate" });
});

test("a key with a second spelling of its number is the same key to everybody", () => {
  const { key } = softRsa(2048);
  const line = printKey(key);
  const bytes = Buffer.from(key.blob);
  // e = 65537 as 4 bytes: a leading zero that RFC 4251 does not allow and OpenSSH reads.
  const spelled = Buffer.concat([bytes.subarray(0, 11), Buffer.of(0, 0, 0, 4, 0), bytes.subarray(15)]);
  const other = parseKey(spelled);
  assert.equal(spelled.equals(key.blob), false);
  assert.deepEqual([other.fingerprint, printKey(other)], [key.fingerprint, line]);
});

test("bytes after a signature inside of its blob are refused", async () => {
  for (const signer of signers) {
    const parsed = parseSshsig(await signSshsig(message, { namespace }, signer));
    const longer = { ...parsed, signature: Buffer.concat([parsed.signature, Buffer.alloc(1)]) };
    assert.throws(() => verifySshsig(longer, message, namespace), { code: "sshsig.format" });
    verifySshsig(parsed, message, namespace);
  }
});

test("no part, flip or addition of a signature verifies, and each refusal is one of ours", async () => {
  const armoured = await Promise.all(signers.map((signer) => signSshsig(message, { namespace }, signer)));
  const verdict = (text: string | Uint8Array) => {
    try {
      verifySshsig(parseSshsig(text), message, namespace);
      return "verified";
    } catch (thrown) {
      return thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
    }
  };
  for (const text of armoured) assert.equal(verdict(text), "verified");
  const whole = fc.constantFrom(...armoured).map((text) => Buffer.from(text));
  const cut = fc.tuple(whole, fc.nat()).map(([text, at]) => text.subarray(0, at % (text.length - 1)));
  const flipped = fc.tuple(whole, fc.nat(), fc.nat(7)).map(([text, at, bit]) => {
    const copy = Buffer.from(text);
    copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << bit);
    return copy;
  });
  const longer = fc
    .tuple(whole, fc.uint8Array({ minLength: 1, maxLength: 40 }))
    .map(([text, more]) => Buffer.concat([text, more]));
  const inner = fc.tuple(whole, fc.nat(), fc.nat(255)).map(([text, at, byte]) => {
    const blob = Buffer.from(text.toString().split("\n").slice(1, -2).join(""), "base64");
    const where = at % (blob.length + 1);
    const grown = Buffer.concat([blob.subarray(0, where), Buffer.of(byte), blob.subarray(where)]);
    return Buffer.from(
      `-----BEGIN SSH SIGNATURE-----\n${grown.toString("base64")}\n-----END SSH SIGNATURE-----\n`,
    );
  });
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(cut, flipped, longer, inner, noise), (bytes) => {
      assert.match(verdict(bytes), /^sshsig\./);
    }),
    { numRuns: 400 },
  );
  assert.equal(verdict("A".repeat(200_000)), "sshsig.oversize");
});

test("any bytes as a key give a key that prints in one spelling, or one of our refusals", () => {
  const authority = softEd25519();
  const blobs = signers.flatMap(({ key }) => [
    key.blob,
    certify(key, authority).certificate?.blob ?? key.blob,
  ]);
  const mangled = fc.tuple(fc.constantFrom(...blobs), fc.nat(), fc.nat(255)).map(([blob, at, byte]) => {
    const copy = Buffer.from(blob);
    copy[at % copy.length] = byte;
    return copy;
  });
  fc.assert(
    fc.property(mangled, (bytes) => {
      let key: SshKey;
      try {
        key = parseKey(bytes);
      } catch (thrown) {
        assert.match(String((thrown as { code?: unknown }).code), /^sshsig\./);
        return;
      }
      const again = parseKeyLine(printKey(key));
      assert.equal(again.fingerprint, key.fingerprint);
      assert.equal(printKey(again), printKey(key));
    }),
    { numRuns: 300 },
  );
});
