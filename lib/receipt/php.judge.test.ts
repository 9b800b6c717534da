import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import {
  commitTo,
  createSigner,
  printRunFacts,
  receiptMessage,
  type SignedReceipt,
  signReceipt,
} from "./mod.ts";

const probe = spawnSync("php", ["-m"], { encoding: "utf8" });
const skip = probe.stdout?.includes("sodium")
  ? false
  : "php with sodium is not installed (Debian package php-cli)";
const script = new URL("./testdata/verify.php", import.meta.url).pathname;

function php(receipt: SignedReceipt, ...args: string[]) {
  const { status, stdout } = spawnSync("php", [script, ...args], { input: JSON.stringify(receipt) });
  return { status, stdout };
}

const worker = createSigner(Buffer.alloc(32, 7));
const digest = `sha256:${"ab".repeat(32)}`;
const { commitment, chunks } = commitTo([{ kind: "stdout", data: Buffer.from("dlroW ,olleH") }]);
const receipt = signReceipt(worker, {
  jobId: "11".repeat(32),
  completedAt: 1_779_883_200_123_456_789n,
  result: {
    job_spec_hash: Array(32).fill(0x11),
    output_commitment: [...commitment],
    output_chunk_count: chunks,
    completion: "stop",
    resumption: null,
    metrics: {
      total_duration_ms: Number.MAX_SAFE_INTEGER,
      prompt_tokens: 0,
      completion_tokens: 0,
      extra: printRunFacts({
        module_hash: digest,
        exit_code: "0",
        stdin_hash: digest,
        limits_hash: digest,
        sandbox: "bubblewrap+permissions",
        grade: "shared",
        worker: 'wörker/😀\n\u0001"\\',
        hive: "home",
        job: "j0000000a",
        journal: "42",
      }),
    },
  },
});

test("PHP writes the same canonical bytes as we sign", { skip }, () => {
  assert.deepEqual(php(receipt, worker.publicKey, "message").stdout, receiptMessage(receipt));
});

test("PHP verifies our receipt with the pinned key and refuses it with another", { skip }, () => {
  assert.deepEqual(php(receipt, worker.publicKey), { status: 0, stdout: Buffer.from("verified\n") });
  const stranger = createSigner(Buffer.alloc(32, 8)).publicKey;
  assert.deepEqual(php(receipt, stranger), { status: 1, stdout: Buffer.from("refused\n") });
  assert.equal(php({ ...receipt, worker_pubkey: stranger }, stranger).status, 1);
  assert.equal(php({ ...receipt, job_id: "22".repeat(32) }, worker.publicKey).status, 1);
});
