import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  type ChunkKind,
  chunkBytes,
  commitTo,
  createCommitment,
  createSigner,
  type JobResult,
  jobIdOf,
  manifestMessage,
  parseMoment,
  printMoment,
  printRunFacts,
  type RunFacts,
  readRunFacts,
  signManifest,
  signReceipt,
  verifyManifest,
  verifyReceipt,
} from "./mod.ts";

const worker = createSigner(Buffer.alloc(32, 7));
const other = createSigner(generateKeyPairSync("ed25519").privateKey);
const now = 1_779_883_200_000_000_001n;
const digest = `sha256:${"ab".repeat(32)}`;
const facts: RunFacts = {
  module_hash: digest,
  exit_code: "3",
  stdin_hash: digest,
  limits_hash: digest,
  sandbox: "bubblewrap+permissions",
  grade: "fresh",
  worker: "worker-1",
  hive: "home",
  job: "j0000000a",
  journal: "18446744073709551615",
};
const output = { stdout: Buffer.from("out"), stderr: Buffer.from("err") };
const committed = commitTo([
  { kind: "stdout", data: output.stdout },
  { kind: "stderr", data: output.stderr },
]);
const result: JobResult = {
  job_spec_hash: Array(32).fill(1),
  output_commitment: [...committed.commitment],
  output_chunk_count: committed.chunks,
  completion: "error",
  resumption: null,
  metrics: { total_duration_ms: 8, prompt_tokens: 0, completion_tokens: 0, extra: printRunFacts(facts) },
};
const payload = { kind: "wasm" as const, module_cid: digest, input: [1, 2, 255], max_duration_ms: 1000 };
const { manifest, jobId } = signManifest(worker, {
  payload,
  createdAt: now,
  expiresAt: now + 60_000_000_000n,
});
const receipt = signReceipt(worker, { result, jobId, completedAt: now });
const failure = (verdict: { ok: boolean; failed?: string }) => (verdict.ok ? "ok" : verdict.failed);

test("the job id is the hash of the signed bytes, the same from signer and verifier", () => {
  const verdict = verifyManifest(JSON.stringify(manifest), { signers: [worker.publicKey], now });
  assert.ok(verdict.ok);
  assert.equal(verdict.jobId, jobId);
  assert.equal(jobIdOf(manifest), jobId);
  assert.equal(createHash("sha256").update(manifestMessage(manifest)).digest("hex"), jobId);
});

test("the message of a manifest names its expiry only when it has one", () => {
  const open = signManifest(worker, { payload, createdAt: now }).manifest;
  assert.equal(
    manifestMessage(open).toString(),
    `phase-manifest:v1:{"created_at":"2026-05-27T12:00:00.000000001Z","payload":{"input":[1,2,255],"kind":"wasm","max_duration_ms":1000,"module_cid":"${digest}"},"schema_version":1}`,
  );
  assert.match(
    manifestMessage(manifest).toString(),
    /"expires_at":"2026-05-27T12:01:00\.000000001Z","payload"/,
  );
});

test("an expired manifest is told apart from a forged one, which is judged first", () => {
  const late = { signers: [worker.publicKey], now: now + 60_000_000_000n };
  assert.equal(failure(verifyManifest(manifest, late)), "expired");
  assert.equal(failure(verifyManifest(manifest, { ...late, now: late.now - 1n })), "ok");
  const forged = { ...manifest, payload: { ...manifest.payload, max_duration_ms: 1001 } };
  assert.equal(failure(verifyManifest(forged, late)), "forged");
});

test("a signature that holds is no permission: the signer must be listed", () => {
  assert.equal(failure(verifyManifest(manifest, { signers: [other.publicKey], now })), "wrong-key");
  assert.equal(failure(verifyManifest(manifest, { signers: [], now })), "wrong-key");
});

const changes: [name: string, change: object, expected: string][] = [
  ["unchanged", {}, "ok"],
  ["with another job id", { job_id: "22".repeat(32) }, "forged"],
  ["with another time", { completed_at: "2026-05-27T12:00:00.000000002Z" }, "forged"],
  ["with another completion", { result: { ...result, completion: "stop" } }, "forged"],
  ["with another worker's key", { worker_pubkey: other.publicKey }, "wrong-key"],
  ["with another signature", { signature: "00".repeat(64) }, "forged"],
  ["of a newer schema", { schema_version: 2, more: true }, "newer"],
  ["of schema 0", { schema_version: 0 }, "malformed"],
  ["with an unknown field", { note: "x" }, "malformed"],
  ["with a short signature", { signature: "00" }, "malformed"],
  ["with a local time", { completed_at: "2026-05-27T12:00:00+02:00" }, "malformed"],
  ["with a fraction", { result: { ...result, output_chunk_count: 1.5 } }, "malformed"],
];
for (const [name, change, expected] of changes)
  test(`a receipt ${name} is ${expected}`, () => {
    const envelope = { ...receipt, ...change };
    assert.equal(failure(verifyReceipt(envelope, worker.publicKey)), expected);
    assert.equal(failure(verifyReceipt(JSON.stringify(envelope), worker.publicKey.toUpperCase())), expected);
  });

test("text that is no single JSON object is malformed, with no exception", () => {
  const twice = JSON.stringify(receipt).replace("{", '{"job_id":"x",');
  for (const text of ["", "[]", "null", "{", twice, `${JSON.stringify(receipt)}x`])
    assert.equal(failure(verifyReceipt(text, worker.publicKey)), "malformed", text.slice(0, 20));
  assert.throws(() => verifyReceipt(receipt, "abc"), { code: "receipt.key" });
});

test("a receipt of another job or for other output is told by name", () => {
  const job = { jobId: "33".repeat(32) };
  assert.equal(failure(verifyReceipt(receipt, worker.publicKey, job)), "wrong-job");
  assert.equal(failure(verifyReceipt(receipt, worker.publicKey, { jobId, output })), "ok");
  const swapped = { stdout: output.stderr, stderr: output.stdout };
  assert.equal(failure(verifyReceipt(receipt, worker.publicKey, { output: swapped })), "wrong-output");
});

test("a valid receipt re-signed by another key is refused as the wrong key", () => {
  const resigned = signReceipt(other, { result, jobId, completedAt: now });
  assert.equal(failure(verifyReceipt(resigned, worker.publicKey)), "wrong-key");
  assert.equal(
    failure(verifyReceipt({ ...resigned, worker_pubkey: worker.publicKey }, worker.publicKey)),
    "forged",
  );
});

const traps: [name: string, extra: Record<string, string>][] = [
  ["an empty extra", {}],
  ["keys that PHP reads as list positions", { "0": "a", "1": "b" }],
  ["a key that PHP sorts as a number", { "1e3": "a" }],
  ["a line separator", { note: "a\u2028b" }],
  ["a lone surrogate", { note: "\ud800" }],
];
for (const [name, extra] of traps)
  test(`a result with ${name} is refused before it is signed`, () => {
    const trapped = { ...result, metrics: { ...result.metrics, extra } };
    assert.throws(
      () => signReceipt(worker, { result: trapped, jobId, completedAt: now }),
      (thrown) => /^(receipt\.unsignable|canon\.value)$/.test((thrown as { code: string }).code),
    );
  });

test("numbers that PHP writes otherwise are refused before they are signed", () => {
  for (const total of [1.5, 2 ** 53, 1e21, -1, Number.NaN]) {
    const trapped = { ...result, metrics: { ...result.metrics, total_duration_ms: total } };
    assert.throws(() => signReceipt(worker, { result: trapped, jobId, completedAt: now }), {
      code: "receipt.unsignable",
    });
  }
});

test("an inference job is signed with its stream made explicit and an empty map refused", () => {
  const job = {
    kind: "inference" as const,
    model_cid: "m",
    messages: [{ role: "user", content: "hi é" }],
    stream: true,
  };
  const signed = signManifest(worker, { payload: job, createdAt: now });
  assert.equal(failure(verifyManifest(signed.manifest, { signers: [worker.publicKey], now })), "ok");
  assert.throws(
    () => signManifest(worker, { payload: { ...job, sampling: {} }, createdAt: now }),
    /empty map at \$\.sampling/,
  );
});

test("the facts of a run go into extra and come back, also beside facts of others", () => {
  assert.deepEqual(readRunFacts({ ...printRunFacts(facts), later_fact: "x" }), facts);
  assert.equal(readRunFacts({ module_hash: digest, exit_code: "0" }), undefined);
  assert.throws(() => printRunFacts({ ...facts, exit_code: "-1" }));
});

/** The sentence of phase-protocol SPEC, written out. */
function slowCommitment(chunks: readonly (readonly [ChunkKind, Buffer])[]): string {
  let state = createHash("sha256").update("phase-protocol:v1:commitment").digest();
  for (const [seq, [kind, data]] of chunks.entries()) {
    const numbers = [Buffer.alloc(8), Buffer.alloc(4), Buffer.alloc(4)] as const;
    numbers[0].writeBigUInt64BE(BigInt(seq));
    numbers[1].writeUInt32BE(kind.length);
    numbers[2].writeUInt32BE(data.length);
    const whole = Buffer.concat([state, numbers[0], numbers[1], Buffer.from(kind), numbers[2], data]);
    state = createHash("sha256").update(whole).digest();
  }
  return state.toString("hex");
}

function cut(kind: ChunkKind, bytes: Buffer): [ChunkKind, Buffer][] {
  const pieces: [ChunkKind, Buffer][] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes)
    pieces.push([kind, bytes.subarray(at, at + chunkBytes)]);
  return pieces;
}

test("the commitment depends on the bytes of both streams only, not on how they came", () => {
  const size = fc.oneof(
    fc.nat(100),
    fc.constantFrom(chunkBytes - 1, chunkBytes, chunkBytes + 1),
    fc.nat(150_000),
  );
  const pieces = fc.array(
    fc.record({ kind: fc.constantFrom("stdout" as const, "stderr" as const), size, fill: fc.nat(255) }),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(pieces, (all) => {
      const stream = createCommitment();
      const whole = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
      for (const { kind, size, fill } of all) {
        const bytes = Buffer.alloc(size, fill);
        whole[kind].push(Buffer.from(bytes));
        stream.add(kind, bytes);
        bytes.fill(0);
      }
      const chunks = [
        ...cut("stdout", Buffer.concat(whole.stdout)),
        ...cut("stderr", Buffer.concat(whole.stderr)),
      ];
      const end = stream.finish();
      assert.equal(end.commitment.toString("hex"), slowCommitment(chunks));
      assert.equal(end.chunks, chunks.length);
    }),
    { numRuns: 40 },
  );
});

test("a commitment ends once and takes nothing afterwards", () => {
  const stream = createCommitment();
  const empty = stream.finish();
  assert.equal(empty.chunks, 0);
  assert.deepEqual(empty.commitment, createHash("sha256").update("phase-protocol:v1:commitment").digest());
  assert.equal(stream.finish(), empty);
  assert.throws(() => stream.add("stdout", Buffer.of(1)), { code: "receipt.order" });
});

test("moments agree with the engine's calendar and keep nine digits", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 253_402_300_799_999_999_999n }), (ns) => {
      const text = printMoment(ns);
      const iso = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString();
      assert.equal(text.slice(0, 19), iso.slice(0, 19));
      assert.match(text, /\.\d{9}Z$/);
      assert.equal(parseMoment(text), ns);
    }),
  );
  for (const text of [
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00.1234567890Z",
  ])
    assert.equal(parseMoment(text), undefined, text);
  assert.equal(parseMoment("1970-01-01T00:00:00.5Z"), 500_000_000n);
});

test("a receipt with any one byte of its text changed is never accepted as another", () => {
  const text = JSON.stringify(receipt);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.integer({ min: 0x20, max: 0x7e }), (at, unit) => {
      const changed = text.slice(0, at) + String.fromCharCode(unit) + text.slice(at + 1);
      const verdict = verifyReceipt(changed, worker.publicKey);
      if (verdict.ok) assert.deepEqual(verdict.receipt, receipt);
    }),
    { numRuns: 300 },
  );
});
