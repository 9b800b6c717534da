import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  acceptCosignatures,
  cosignatureTime,
  createCosignatureVerifier,
  createCosigner,
  createEcdsaSigner,
  createEcdsaVerifier,
  createRfc6962Verifier,
  createSigner,
  createVerifier,
  ed25519PublicKey,
  maxSignatures,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseSkey,
  parseVkey,
  printCheckpoint,
  printNote,
  printSkey,
  printVkey,
  rfc6962Time,
  signatureLines,
  signNote,
  type Verifier,
  verifyNote,
} from "@skep/tlog";
import fc from "fast-check";

const vectors = new URL("../../../shared/vectors/tlog/", import.meta.url);
const skip = existsSync(vectors) ? false : "vectors/tlog is not beside this checkout";
const file = (path: string) => readFileSync(new URL(path, vectors), "utf8");
const open = (note: string, ...verifiers: Verifier[]) => verifyNote(parseNote(note), verifiers);

test("every published note case gets the verdict of signed-note v1.0.0", { skip }, () => {
  const { vkey, cases } = JSON.parse(file("signed-note/cases.json"));
  assert.equal(cases.length, 19);
  const verifier = parseVkey(vkey);
  for (const { why, note, expect } of cases) {
    if (expect.startsWith("reject")) assert.throws(() => open(note, verifier), { name: "Fault" }, why);
    else assert.equal(open(note, verifier).length, 1, why);
  }
});

test("the go.sum database's and the specification's own notes verify", { skip }, () => {
  for (const name of ["sumdb", "c2sp-example"]) {
    const vkey = file(`signed-note/${name}-vkey.txt`).trim();
    const note = file(`signed-note/${name === "sumdb" ? "sumdb-checkpoint" : "c2sp-example-note"}.txt`);
    assert.equal(open(note, parseVkey(vkey)).length, 1);
    assert.equal(printVkey(parseVkey(vkey)), vkey);
    assert.equal(printNote(parseNote(note)), note);
  }
});

test("the deterministic notes are reproduced byte for byte from their seeds", { skip }, () => {
  const made = JSON.parse(file("signed-note/generated.json"));
  const logSeed = Buffer.from(made.log_seed_hex, "hex");
  const witnessSeed = Buffer.from(made.witness_seed_hex, "hex");
  const [log, witness] = [parseVkey(made.log_vkey), parseVkey(made.witness_vkey)];
  const signer = createSigner(log.name, logSeed);
  const cosigner = createCosigner(witness.name, witnessSeed, () => made.cosignature_timestamp);
  const body = "first paragraph\n\nsecond paragraph\n";
  assert.equal(signNote(body, [signer]), made.note_with_empty_line_in_body);
  assert.equal(parseNote(made.note_with_empty_line_in_body).text, body);
  const { text } = parseNote(made.checkpoint);
  assert.equal(signNote(text, [signer]), made.checkpoint);
  assert.equal(signatureLines(text, [cosigner]), made.cosignature_line);
  assert.equal(
    acceptCosignatures(made.checkpoint, made.cosignature_line, [witness]),
    made.cosigned_checkpoint,
  );
  assert.equal(
    acceptCosignatures(made.cosigned_checkpoint, made.cosignature_line, [witness]),
    made.cosigned_checkpoint,
  );
  const both = open(made.cosigned_checkpoint, log, witness);
  assert.deepEqual(
    both.map(({ name }) => name),
    [log.name, witness.name],
  );
  assert.equal(cosignatureTime(both[1]?.signature ?? new Uint8Array()), made.cosignature_timestamp);
  const wrongType = parseVkey(made.same_key_as_type1_must_not_verify_cosignature);
  assert.throws(() => open(made.cosigned_checkpoint, wrongType), { code: "tlog.unsigned" });
});

test("all checkpoints of a published log verify, and not under another size's text", { skip }, () => {
  const log = parseVkey(file("tessera-15/vkey.txt").trim());
  for (let size = 0; size <= 15; size += 1) {
    const opened = openCheckpoint(file(`tessera-15/checkpoint.${size}`), { logs: [log] });
    assert.equal(opened.checkpoint.size, size);
    assert.equal(printCheckpoint(opened.checkpoint), opened.text);
    const moved = file(`tessera-15/checkpoint.${size}`).replace(`\n${size}\n`, `\n${size + 1}\n`);
    assert.throws(() => openCheckpoint(moved, { logs: [log] }), { code: "tlog.signature" });
  }
});

test("a Static CT log's tree head and its witnesses' cosignatures verify", { skip }, () => {
  const { key, description } = JSON.parse(file("sunlight-300/tree/log.v3.json"));
  const log = createRfc6962Verifier(description, Buffer.from(key, "base64"));
  const tree = file("sunlight-300/tree/checkpoint");
  const [head] = openCheckpoint(tree, { logs: [log] }).verified;
  assert.equal(rfc6962Time(head?.signature ?? new Uint8Array()), 1767139200000);
  assert.throws(() => open(tree.replace("\n300\n", "\n301\n"), log), { code: "tlog.signature" });
  const extended = tree.replace("\n\n—", "\nextension\n\n—");
  assert.throws(() => open(extended, log), { code: "tlog.signature" });
  const renamed = tree.replace(description, "milan2026h1.example.org");
  assert.throws(() => open(renamed, log), { code: "tlog.signature" });
  const keyOf = (path: string) => parseVkey(JSON.parse(file(`sunlight-300/${path}`)).verifier_keys[0]);
  const hash = "000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706";
  const hash2 = "88ad7a28caeb0b2aa890fdf0304c2fcaf59fca2ee140134ff8c1300bac493482";
  const witness = keyOf("witness/witness.v0.json");
  const cosigned = file(`sunlight-300/witness/${hash}/checkpoint`);
  const quorum = (found: readonly Verifier[]) => found.includes(witness);
  assert.equal(openCheckpoint(cosigned, { logs: [log], witnesses: [witness], quorum }).verified.length, 2);
  assert.throws(() => openCheckpoint(tree, { logs: [log], witnesses: [witness], quorum }), {
    code: "tlog.quorum",
  });
  assert.throws(() => openCheckpoint(cosigned, { logs: [], witnesses: [witness] }), {
    code: "tlog.unsigned",
  });
  assert.equal(
    open(file(`sunlight-300/witness2/${hash2}/checkpoint`), keyOf("witness2/witness.v0.json")).length,
    1,
  );
  const mirror = keyOf("witness/mirror/mirror.v0.json");
  const mirrored = file(`sunlight-300/witness/mirror/${hash}/checkpoint`);
  assert.equal(openCheckpoint(mirrored, { logs: [mirror], origin: description }).checkpoint.size, 300);
  assert.throws(() => openCheckpoint(mirrored, { logs: [mirror] }), { code: "tlog.origin" });
});

test("every published checkpoint text is read or refused as published", { skip }, () => {
  const cases = JSON.parse(file("checkpoint-parse.json"));
  assert.equal(cases.length, 13);
  for (const { why, text, ok } of cases) {
    if (ok) assert.ok(parseCheckpoint(text, "any").origin.length > 0, why);
    else assert.throws(() => parseCheckpoint(text, "any"), { code: "tlog.checkpoint" }, why);
  }
  assert.throws(() => parseCheckpoint("Log\n123\nYmFuYW5hcw==\n"), { code: "tlog.checkpoint" });
});

const seed = Buffer.alloc(32, 3);
const signer = createSigner("log.example/a", seed);
const verifier = createVerifier("log.example/a", ed25519PublicKey(seed));

test("any text that may be in a note can be signed and read back, and no bit of it changed", () => {
  const text = fc
    .string({ unit: "grapheme", maxLength: 60 })
    .map((body) => `${body.replaceAll(/[\0-\x1f]/g, "\n")}\n`);
  fc.assert(
    fc.property(text, fc.nat(), (body, bit) => {
      const note = signNote(body, [signer]);
      assert.equal(parseNote(note).text, body);
      assert.equal(open(note, verifier).length, 1);
      const bytes = Buffer.from(note);
      const at = bit % (bytes.length * 8);
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
      assert.throws(() => verifyNote(parseNote(bytes), [verifier]), { name: "Fault" });
    }),
    { numRuns: 300 },
  );
});

test("a note is refused for what its text may not hold", () => {
  for (const text of ["no newline", "tab\there\n", "nul\0\n", "cr\r\n", "\ud800\n", ""])
    assert.throws(() => signNote(text, [signer]), { code: "tlog.note" }, JSON.stringify(text));
  assert.throws(() => parseNote(Buffer.from([0xff, 10, 10])), { code: "tlog.note" });
  assert.throws(() => parseNote("x".repeat(2 ** 21)), { code: "tlog.noteTooLong" });
  const line = signatureLines("a\n", [signer]);
  assert.equal(open(`a\n\n${line.repeat(maxSignatures)}`, verifier).length, 1);
  assert.throws(() => open(`a\n\n${line.repeat(maxSignatures + 1)}`, verifier), { code: "tlog.noteTooLong" });
});

test("names with spaces, pluses or nothing are no key names", () => {
  for (const name of ["", "a b", "a+b", "a\u00a0b", "a\u0085b", "a\u2028b", "a\nb"])
    assert.throws(() => createSigner(name, seed), { code: "tlog.key" }, JSON.stringify(name));
});

test("two known keys with one name and key id are ambiguous", () => {
  const twin: Verifier = { ...verifier, verify: () => true };
  assert.throws(() => open(signNote("a\n", [signer]), verifier, twin), { code: "tlog.ambiguous" });
  assert.equal(open(signNote("a\n", [signer]), verifier, verifier).length, 1);
});

test("verifier and signer keys survive being printed, and their damage is noticed", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const witness = createCosignatureVerifier("w.example/1", ed25519PublicKey(seed));
  for (const one of [verifier, witness, createEcdsaVerifier("ec.example", publicKey)]) {
    const text = printVkey(one);
    assert.deepEqual(
      [parseVkey(text).name, parseVkey(text).keyId, parseVkey(text).type],
      [one.name, one.keyId, one.type],
    );
    assert.throws(() => parseVkey(text.replace(/\+[0-9a-f]{8}\+/, "+01234567+")), { code: "tlog.key" });
    assert.throws(() => parseVkey(text.slice(0, -4)), { code: "tlog.key" });
  }
  const ecdsa = createEcdsaSigner("ec.example", privateKey);
  assert.equal(
    open(signNote("a\n", [ecdsa, signer]), createEcdsaVerifier("ec.example", publicKey)).length,
    1,
  );
  const skey = printSkey("log.example/a", seed);
  assert.equal(signNote("a\n", [parseSkey(skey)]), signNote("a\n", [signer]));
  assert.throws(() => parseSkey(skey.replace("log", "dog")), { code: "tlog.key" });
  assert.throws(() => parseSkey(printSkey("w.example/1", seed, 4)), { code: "tlog.key" });
  assert.equal(parseSkey(printSkey("w.example/1", seed, 4), () => 5).keyId, witness.keyId);
  assert.throws(() => createSigner("ec.example", privateKey), { code: "tlog.key" });
  const p224 = generateKeyPairSync("ec", { namedCurve: "secp224r1" });
  assert.throws(() => createEcdsaVerifier("ec.example", p224.publicKey), { code: "tlog.key" });
});

test("KeyObjects and seeds make the same signer", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const note = signNote("a\n", [createSigner("k", privateKey)]);
  assert.equal(open(note, createVerifier("k", publicKey)).length, 1);
  assert.equal(open(note, createVerifier("k", privateKey)).length, 1);
  assert.throws(() => createSigner("k", publicKey), { code: "tlog.key" });
});

test("a cosigner signs checkpoints only, at a time that is a time", () => {
  const text = printCheckpoint({ origin: "log.example/a", size: 0, root: Buffer.alloc(32) });
  assert.throws(() => signatureLines("a\n", [createCosigner("w", seed, () => 5)]), {
    code: "tlog.checkpoint",
  });
  for (const time of [-1, 0.5, Number.NaN, 2 ** 53])
    assert.throws(() => signatureLines(text, [createCosigner("w", seed, () => time)]), { code: "tlog.size" });
  const note = signNote(text, [createCosigner("w", seed, () => 5)]);
  const witness = createCosignatureVerifier("w", ed25519PublicKey(seed));
  assert.equal(open(note, witness).length, 1);
  assert.throws(() => open(note.replace("log.example/a", "log.example/b"), witness), {
    code: "tlog.signature",
  });
});

test("a checkpoint that could not be read back is not printed", () => {
  const root = Buffer.alloc(32);
  for (const bad of [
    { origin: "", size: 1, root },
    { origin: "a\nb", size: 1, root },
    { origin: "a", size: 1, root, extensions: [""] },
  ])
    assert.throws(() => printCheckpoint(bad), { code: "tlog.checkpoint" });
  assert.throws(() => printCheckpoint({ origin: "a", size: -1, root }), { code: "tlog.size" });
  assert.throws(() => printCheckpoint({ origin: "a", size: 1, root: root.subarray(1) }), {
    code: "tlog.hash",
  });
  const made = printCheckpoint({ origin: "a b", size: 7, root, extensions: ["x", "y"] });
  assert.deepEqual(parseCheckpoint(made), { origin: "a b", size: 7, root, extensions: ["x", "y"] });
});
