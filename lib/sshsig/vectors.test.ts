import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  minimumRsaBits,
  parseAllowedSigners,
  parseKeyLine,
  parseRevocations,
  parseSshsig,
  printKey,
  printSshsig,
  sameKey,
  verifyAs,
  verifySshsig,
} from "@skep/sshsig";

const vectors = new URL("../../../shared/vectors/sshsig/", import.meta.url);
const skip = existsSync(vectors) ? false : "vectors/sshsig is not beside this checkout";
const bytes = (path: string) => readFileSync(new URL(path, vectors));
const file = (path: string) => bytes(path).toString("utf8");

interface Case {
  readonly why: string;
  readonly allowed_signers: string;
  readonly identity: string;
  readonly namespace: string;
  readonly signature: string;
  readonly message: string;
  readonly options: readonly string[];
  readonly revoked_keys: string | null;
  readonly accept: boolean;
}

/** `-Overify-time=20260601Z` in seconds. */
function timeOf([option = ""]: readonly string[]): number {
  const [, year, month, day] = /^-Overify-time=(\d{4})(\d\d)(\d\d)Z$/.exec(option) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / 1000;
}

const refusals: Record<string, string> = {
  "message changed": "sshsig.signature",
  "namespace differs from the one signed": "sshsig.namespace",
  "namespaces option forbids": "sshsig.key-namespace",
  "identity not listed": "sshsig.unknown-signer",
  "valid-after in the future": "sshsig.not-yet-valid",
  "valid-before in the past": "sshsig.expired",
  "unknown option": "sshsig.unknown-signer",
  "revoked by plain key list": "sshsig.revoked",
  "certificate, CA listed without cert-authority": "sshsig.unknown-signer",
  "certificate, expired, current time": "sshsig.expired",
  "certificate with another principal": "sshsig.principal",
  "armour or blob: bad-magic": "sshsig.format",
  "armour or blob: bad-version": "sshsig.version",
  "armour or blob: flipped": "sshsig.signature",
  "armour or blob: no-footer": "sshsig.armour",
  "armour or blob: crlf": "sshsig.armour",
};

test("every generated case gets the verdict that ssh-keygen gave", { skip }, (t) => {
  const { cases } = JSON.parse(file("generated/cases.json")) as { readonly cases: readonly Case[] };
  assert.equal(cases.length, 47);
  const seen = { accepted: 0, refused: 0 };
  for (const one of cases) {
    const expected = {
      identity: one.identity,
      namespace: one.namespace,
      signers: parseAllowedSigners(one.allowed_signers),
      time: timeOf(one.options),
      ...(one.revoked_keys === null ? {} : { revocations: parseRevocations(one.revoked_keys) }),
    };
    const verify = () =>
      verifyAs(bytes(`generated/${one.signature}`), bytes(`generated/${one.message}`), expected);
    if (one.accept) {
      assert.equal(verify().line.principals.includes("@"), true, one.why);
      seen.accepted += 1;
      continue;
    }
    assert.throws(verify, { name: "Fault", code: refusals[one.why] ?? /^sshsig\./ }, one.why);
    seen.refused += 1;
  }
  t.diagnostic(JSON.stringify(seen));
  for (const why of Object.keys(refusals))
    assert.equal(cases.filter((one) => one.why === why).length, 1, why);
});

const published = [
  "rsa",
  "ecdsa",
  "ed25519",
  "ecdsa_sk",
  "ed25519_sk",
  "ecdsa_sk_webauthn",
  "mldsa44-ed25519",
];

for (const name of published)
  test(`OpenSSH's own ${name} signature verifies, and is printed as it was`, { skip }, () => {
    const armoured = file(`openssh/${name}.sig`);
    const parsed = parseSshsig(armoured);
    const key = parseKeyLine(file(`openssh/${name}.pub`));
    const data = bytes("openssh/signed-data");
    assert.equal(sameKey(parsed.key, key), true);
    const proof = verifySshsig(parsed, data, file("openssh/namespace"));
    assert.equal(proof.securityKey !== undefined, name.includes("_sk"));
    assert.equal(printSshsig(parsed).replaceAll("\n", ""), armoured.replaceAll("\n", ""));
    assert.equal(printKey(key), file(`openssh/${name}.pub`).split(" ", 2).join(" ").trim());
    assert.throws(() => verifySshsig(parsed, data.subarray(1), "unittest"), { code: "sshsig.signature" });
    assert.throws(() => verifySshsig(parsed, data, "unittest2"), { code: "sshsig.namespace" });
  });

test("a WebAuthn signature tells the origin of the page that asked for it", { skip }, () => {
  const parsed = parseSshsig(file("openssh/ecdsa_sk_webauthn.sig"));
  const { securityKey, algorithm } = verifySshsig(parsed, bytes("openssh/signed-data"), "unittest");
  assert.equal(algorithm, "webauthn-sk-ecdsa-sha2-nistp256@openssh.com");
  assert.equal(securityKey?.origin?.startsWith("https://"), true);
  assert.equal(securityKey?.touched, true);
  assert.equal(minimumRsaBits, 2048);
});

test("both halves of a composite signature must hold", { skip }, () => {
  const parsed = parseSshsig(file("openssh/mldsa44-ed25519.sig"));
  const length = parsed.signature.length;
  for (const at of [length - 1, length - 64, length - 65, length - 2484]) {
    const signature = Buffer.from(parsed.signature);
    signature[at] = (signature[at] ?? 0) ^ 1;
    assert.throws(() => verifySshsig({ ...parsed, signature }, bytes("openssh/signed-data"), "unittest"), {
      code: "sshsig.signature",
    });
  }
});
