import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Expectation,
  matchPatternList,
  parseAllowedSigners,
  parseRevocations,
  printKey,
  type SshSigner,
  signSshsig,
  verifyAs,
  withCertificate,
} from "./mod.ts";
import { parseMoment, utcTime } from "./moment.ts";
import { certify, softEd25519, softSecurityKey, u64 } from "./testing/soft-key.ts";
import { string, u32 } from "./wire.ts";

const message = Buffer.from("a statement");
const namespace = "skep-statement@v1";
const now = 1_780_000_000;
const alice = softEd25519();
const authority = softEd25519();
const code = (thrown: unknown) => String((thrown as { code?: unknown }).code);

async function verdict(signer: SshSigner, more: Partial<Expectation> = {}): Promise<string> {
  const signature = await signSshsig(message, { namespace }, signer);
  const listed = signer.key.certificate ? `cert-authority ${printKey(authority.key)}` : printKey(signer.key);
  const signers = parseAllowedSigners(`alice ${listed}\n`);
  try {
    return verifyAs(signature, message, { identity: "alice", namespace, signers, time: now, ...more }).line
      .principals;
  } catch (thrown) {
    return code(thrown);
  }
}

test("a security key must have been touched, and must know its user where that is asked for", async () => {
  for (const plain of ["ed25519", "ecdsa"] as const) {
    const [silent, touched, verified] = [0, 1, 5].map((flags) => softSecurityKey(plain, flags));
    assert.ok(silent && touched && verified);
    assert.equal(await verdict(silent), "sshsig.touch");
    assert.equal(await verdict(silent, { securityKeys: { touch: false } }), "alice");
    assert.equal(await verdict(touched), "alice");
    const strict = { securityKeys: { verification: true } };
    assert.equal(await verdict(touched, strict), "sshsig.user-verification");
    assert.equal(await verdict(verified, strict), "alice");
  }
});

test("a security key counts for what it was enrolled for, where that is asked for", async () => {
  const signer = softSecurityKey("ed25519", 1, "ssh:hive");
  assert.equal(await verdict(signer, { securityKeys: { applications: ["ssh:", "ssh:hive"] } }), "alice");
  assert.equal(await verdict(signer, { securityKeys: { applications: ["ssh:"] } }), "sshsig.application");
});

test("a certificate may ask its security key to know its user, and nothing else that is critical", async () => {
  const required = [["verify-required", ""]] as const;
  const held = (signer: SshSigner, critical: readonly (readonly [string, string])[]) =>
    withCertificate(signer, certify(signer.key, authority, { critical }));
  assert.equal(await verdict(held(softSecurityKey("ed25519", 1), required)), "sshsig.user-verification");
  assert.equal(await verdict(held(softSecurityKey("ed25519", 5), required)), "alice");
  assert.equal(await verdict(held(alice, required)), "sshsig.certificate");
  assert.equal(await verdict(held(alice, [["source-address", "10.0.0.0/8"]])), "sshsig.certificate");
});

test("a certificate counts for its principals, in its window, for users", async () => {
  const held = (claims: Parameters<typeof certify>[2]) =>
    verdict(withCertificate(alice, certify(alice.key, authority, claims)));
  assert.equal(await held({}), "alice");
  assert.equal(await held({ principals: ["bob"] }), "sshsig.principal");
  assert.equal(await held({ principals: [] }), "sshsig.principal");
  assert.equal(await held({ validBefore: now }), "sshsig.expired");
  assert.equal(await held({ validAfter: now + 1 }), "sshsig.not-yet-valid");
  assert.equal(await held({ kind: 2 }), "sshsig.certificate");
  const stranger = withCertificate(alice, certify(alice.key, softEd25519()));
  assert.equal(await verdict(stranger), "sshsig.unknown-signer");
});

test("a line that cannot be used allows nobody and is told with its number", async () => {
  const key = printKey(alice.key);
  const text = `alice valid-after="20200101" ${key}\n\nalice nonsense ${key}\nalice ${printKey(certify(alice.key, authority))}\n`;
  const utc = parseAllowedSigners(text);
  assert.deepEqual(utc.lines, []);
  assert.deepEqual(
    utc.unusable.map(({ line, fault }) => `${line} ${fault.code}`),
    ["1 sshsig.signer-line", "3 sshsig.signer-line", "4 sshsig.signer-line"],
  );
  assert.equal(await verdict(alice, { signers: utc }), "sshsig.unknown-signer");
  const zoned = parseAllowedSigners(text, (moment) => utcTime(moment) - 3600);
  assert.equal(zoned.lines[0]?.validAfter, 1_577_836_800 - 3600);
});

test("a time that is no whole second is refused, not compared", async () => {
  assert.equal(await verdict(alice, { time: Number.NaN }), "sshsig.time");
  assert.equal(await verdict(alice, { time: 1.5 }), "sshsig.time");
});

test("moments are those of the calendar", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(1000), max: new Date("9999-12-31"), noInvalidDate: true }),
      (date) => {
        const digits = date.toISOString().replace(/\D/g, "").slice(0, 14);
        assert.equal(parseMoment(`${digits}Z`, undefined), Math.floor(date.getTime() / 1000));
      },
    ),
  );
  for (const bad of [
    "20260229Z",
    "20260431Z",
    "20261301Z",
    "2026010124Z",
    "202601012400Z",
    "19700101Z",
    "2026",
  ])
    assert.equal(parseMoment(bad, undefined), undefined, bad);
});

test("patterns cost no more than their length times the text's", () => {
  const stars = `${"*a".repeat(400)}b`;
  assert.equal(matchPatternList("a".repeat(5000), stars), false);
  assert.equal(matchPatternList("aab", "?*b"), true);
  assert.equal(matchPatternList("", "*"), true);
  assert.equal(matchPatternList("a", "a,!a"), false);
});

function krl(...sections: readonly (readonly [number, Uint8Array])[]): Buffer {
  const head = [
    Buffer.from("SSHKRL\n\0"),
    u32(1),
    u64(3n),
    u64(BigInt(now)),
    u64(0n),
    string(""),
    string("c"),
  ];
  return Buffer.concat([...head, ...sections.flatMap(([kind, body]) => [Buffer.of(kind), string(body)])]);
}

const range = Buffer.concat([Buffer.of(0x21), string(Buffer.concat([u64(5n), u64(9n)]))]);
const bitmap = Buffer.concat([Buffer.of(0x22), string(Buffer.concat([u64(20n), string(Buffer.of(1, 2))]))]);
const section = Buffer.concat([string(authority.key.blob), string(""), range, bitmap]);

test("a binary list takes back ranges and bits of serials of its own authority only", async () => {
  const revocations = parseRevocations(krl([1, section]));
  assert.deepEqual(revocations.header, { version: 3n, generated: BigInt(now), comment: "c" });
  const taken = [];
  for (let serial = 0n; serial < 40n; serial += 1n) {
    const signer = withCertificate(alice, certify(alice.key, authority, { serial }));
    if ((await verdict(signer, { revocations })) === "sshsig.revoked") taken.push(serial);
  }
  assert.deepEqual(taken, [5n, 6n, 7n, 8n, 9n, 21n, 28n]);
  const foreign = parseRevocations(
    krl([1, Buffer.concat([string(softEd25519().key.blob), string(""), range])]),
  );
  const signer = withCertificate(alice, certify(alice.key, authority, { serial: 7n }));
  assert.equal(await verdict(signer, { revocations: foreign }), "alice");
  const anyone = parseRevocations(krl([1, Buffer.concat([string(""), string(""), range])]));
  assert.equal(await verdict(signer, { revocations: anyone }), "sshsig.revoked");
});

test("serial 0 is the number of certificates without one, and no list takes it back", async () => {
  const fromZero = Buffer.concat([Buffer.of(0x21), string(Buffer.concat([u64(0n), u64(9n)]))]);
  const revocations = parseRevocations(krl([1, Buffer.concat([string(""), string(""), fromZero])]));
  const numbered = (serial: bigint) => withCertificate(alice, certify(alice.key, authority, { serial }));
  assert.equal(await verdict(numbered(0n), { revocations }), "alice");
  assert.equal(await verdict(numbered(1n), { revocations }), "sshsig.revoked");
});

test("a list that is not understood whole is not used", () => {
  const extension = (critical: number) =>
    Buffer.concat([string("new@example.org"), Buffer.of(critical), string("")]);
  assert.equal(parseRevocations(krl([255, extension(0)])).header?.comment, "c");
  for (const bad of [krl([255, extension(1)]), krl([4, Buffer.alloc(8)]), krl([77, Buffer.alloc(0)])])
    assert.throws(() => parseRevocations(bad), { code: "sshsig.revocations" });
  assert.throws(() => parseRevocations(`${printKey(alice.key)}\nssh-ed25519 AAAA\n`), {
    code: "sshsig.revocations",
  });
  const good = krl([1, section], [2, string(alice.key.blob)], [5, string(Buffer.alloc(32))]);
  const edges = new Set([8 + 4 + 8 * 3 + 4 + 5, good.length]);
  for (let at = 8; at < good.length; at += 1) {
    try {
      parseRevocations(good.subarray(0, at));
      edges.add(at);
    } catch (thrown) {
      assert.match(code(thrown), /^sshsig\./);
    }
  }
  assert.equal(edges.size, 4); // the header alone, and after each of three sections
});

test("no bytes make a file of signers or revocations throw anything but our faults", () => {
  const line = fc.stringMatching(
    /^[a-z*!," \\=-]{0,30}(namespaces="|valid-after="|cert-authority)[a-z0-9",\\ ]{0,20}$/,
  );
  const tail = fc.constantFrom("", ` ${printKey(alice.key)}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(line, tail)), fc.uint8Array({ maxLength: 60 }), (lines, bytes) => {
      parseAllowedSigners(lines.map((parts) => parts.join("")).join("\n"));
      for (const body of [bytes, Buffer.concat([krl([1, section]), bytes])])
        try {
          parseRevocations(body);
        } catch (thrown) {
          assert.match(code(thrown), /^sshsig\./);
        }
    }),
  );
});
