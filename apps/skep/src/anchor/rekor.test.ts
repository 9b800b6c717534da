import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { readRekorEntry, rekorRequest } from "@skep/evidence";
import { fakeRekor } from "./fake-rekor.ts";

const refused = { code: "evidence.rekor" };

test("what is uploaded is found in the answer, and nothing in it may change", () => {
  const log = fakeRekor();
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const message = Buffer.from("what was so\n");
  const digest = createHash("sha256").update(message).digest();
  const key = publicKey.export({ format: "der", type: "spki" });
  for (let at = 0; at < 5; at += 1)
    log.answer(rekorRequest(Buffer.alloc(32, at), sign("sha256", Buffer.alloc(1), privateKey), key));
  const text = log.answer(rekorRequest(digest, sign("sha256", message, privateKey), key));
  const read = readRekorEntry(text, digest, { keys: [log.key], message });
  assert.deepEqual([read.index, read.size, read.trusted], [5, 6, true]);
  const entry = JSON.parse(text);
  const changed = (part: object) =>
    JSON.stringify({ ...entry, inclusionProof: { ...entry.inclusionProof, ...part } });
  const [first, ...others] = entry.inclusionProof.hashes;
  for (const part of [
    { logIndex: "4" },
    { treeSize: "7" },
    { hashes: [...others, first] },
    { hashes: others },
    { rootHash: first },
    { checkpoint: { envelope: entry.inclusionProof.checkpoint.envelope.replace("\n6\n", "\n7\n") } },
  ])
    assert.throws(() => readRekorEntry(changed(part), digest, { keys: [log.key], message }), refused);
  assert.throws(() => readRekorEntry(text, digest, { message: Buffer.from("else") }), refused);
  for (const other of ["", "{}", "[]", '{"inclusionProof":{}}'])
    assert.throws(() => readRekorEntry(other, digest), refused);
});
