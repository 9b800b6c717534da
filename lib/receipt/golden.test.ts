import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { isLegacy, legacyDigest } from "./legacy.ts";
import {
  commitTo,
  createCommitment,
  createSigner,
  type JobResult,
  receiptMessage,
  signReceipt,
  verifyReceipt,
} from "./mod.ts";

// The values are those of the published golden vector, which the original PHP client accepts.
const signer = createSigner(Buffer.alloc(32, 7));
const { commitment, chunks } = commitTo([{ kind: "stdout", data: Buffer.from("dlroW ,olleH") }]);
const result: JobResult = {
  job_spec_hash: Array(32).fill(0x11),
  output_commitment: [...commitment],
  output_chunk_count: chunks,
  completion: "stop",
  resumption: null,
  metrics: {
    total_duration_ms: 8,
    prompt_tokens: 0,
    completion_tokens: 0,
    extra: { module_hash: `sha256:${"ab".repeat(32)}`, exit_code: "0" },
  },
};
const completedAt = 1_779_883_200_123_456_789n;
const jobId = "11".repeat(32);

test("the golden receipt comes out bit for bit", () => {
  const receipt = signReceipt(signer, { result, jobId, completedAt });
  const message = receiptMessage(receipt);
  assert.equal(receipt.completed_at, "2026-05-27T12:00:00.123456789Z");
  assert.equal(message.length, 671);
  assert.equal(
    createHash("sha256").update(message).digest("hex"),
    "dcd714082af3a0b975fe550174bcd61be9b41dffe2ff91de78b6f41b97a7a639",
  );
  assert.equal(receipt.worker_pubkey, "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c");
  assert.equal(
    receipt.signature,
    "9f5cf288157d9a469f242bfa3f240fa21e6692b602be6d4598668a54c1c008d8d1795df9d23aa520dff2a6b476e10cfa4115081db4fd4e8e9643da4513613d0f",
  );
  assert.equal(verifyReceipt(JSON.stringify(receipt), receipt.worker_pubkey).ok, true);
});

test("the golden commitment comes out of the stream too", () => {
  const stream = createCommitment();
  stream.add("stdout", Buffer.from("dlroW "));
  stream.add("stdout", Buffer.from(",olleH"));
  assert.equal(
    stream.finish().commitment.toString("hex"),
    "73c4057bc634393a91ff52324024700baae8533dd29dbe88dcad6a56dc46d797",
  );
});

test("the legacy vector is reproduced, recognised and never accepted", () => {
  const legacy = {
    version: "0.1",
    module_hash: `sha256:${"cd".repeat(32)}`,
    exit_code: 0,
    wall_time_ms: 8,
    timestamp: 1_779_896_995,
  };
  const digest = legacyDigest(legacy);
  const signature = signer.sign(digest);
  assert.equal(digest.toString("hex"), "4570228ff38c19c859f0394e1c83c3398ff53c0424621d054d287c3e7f560b32");
  assert.equal(
    signature,
    "e9aa458019a8b46532dd3b636215a1cd7cbcb95d28a1bf873807e2bce672f1c70c22483618f8ecc01f3d6c4bcdbb4772e7261a66603ec04c4494eff6acbb6a04",
  );
  const envelope = { ...legacy, node_pubkey: signer.publicKey, signature };
  assert.equal(isLegacy(envelope), true);
  assert.deepEqual(verifyReceipt(envelope, signer.publicKey), {
    ok: false,
    failed: "legacy",
    why: "version 0.1 binds neither output nor job; it is never accepted",
  });
});
