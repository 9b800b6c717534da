import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createCommitment, createSigner, type JobResult, signReceipt } from "@skep/receipt";
import {
  createSigner as createLogSigner,
  createVerifier,
  ed25519PublicKey,
  leafHash as theirLeaf,
  printCheckpoint,
  printVkey,
  proveInclusion,
  signNote,
  type Tile,
  TileWriter,
} from "@skep/tlog";
import fc from "fast-check";
import { isSigned, same } from "./bytes.ts";
import {
  entriesOf,
  isGrownFrom,
  leafHash,
  parseCheckpoint,
  parseLogKey,
  rootOfPath,
  Tree,
} from "./merkle.ts";
import { commitmentOf, verifyReceipt } from "./receipt.ts";

function commitToOutput({ stdout, stderr }: { stdout: Uint8Array; stderr: Uint8Array }) {
  const commitment = createCommitment();
  commitment.add("stdout", stdout);
  commitment.add("stderr", stderr);
  return commitment.finish();
}

function logOf(size: number) {
  const writer = new TileWriter();
  const tiles = new Map<string, Uint8Array>();
  const keep = (made: readonly Tile[]) => {
    for (const { level, index, width, data } of made) tiles.set(`${level}/${index}/${width}`, data);
  };
  const roots = [writer.root()];
  const leaves = Array.from({ length: size }, (_, at) => theirLeaf(Buffer.from(`record ${at}`)));
  for (const leaf of leaves) {
    keep(writer.append(leaf));
    roots.push(writer.root());
  }
  keep(writer.partialTiles());
  const read = (level: number, index: number, width: number) => {
    const found = tiles.get(`${level}/${index}/${width}`);
    return found ? Promise.resolve(found) : Promise.reject(new Error(`no tile ${level}/${index}/${width}`));
  };
  return { leaves, roots, read };
}

test("roots and audit paths out of tiles are those of the log", async () => {
  for (const size of [1, 2, 3, 255, 256, 257, 300, 700]) {
    const { leaves, roots, read } = logOf(size);
    const tree = new Tree(size, read);
    assert.deepEqual(Buffer.from(await tree.root()), Buffer.from(roots[size] ?? []));
    for (const at of new Set([0, 1, size >> 1, size - 1].filter((one) => one < size))) {
      const path = await tree.path(at);
      const theirs = await proveInclusion(at, size, read);
      assert.deepEqual(
        path.map((hash) => Buffer.from(hash)),
        theirs.map((hash) => Buffer.from(hash)),
      );
      const root = await rootOfPath(at, size, leaves[at] ?? new Uint8Array(), path);
      assert.ok(root && same(root, await tree.root()));
      assert.notDeepEqual(await rootOfPath(at, size, await leafHash(Buffer.from("another")), path), root);
    }
    for (const older of [1, size >> 1, size].filter((one) => one > 0))
      assert.equal(await isGrownFrom(tree, older, roots[older] ?? new Uint8Array()), true);
    assert.equal(await isGrownFrom(tree, size, Buffer.alloc(32)), false);
  }
});

test("a checkpoint is read as it was written, and its signature holds for the log's key alone", async () => {
  const seed = Buffer.alloc(32, 7);
  const root = createHash("sha256").update("r").digest();
  const body = printCheckpoint({ origin: "skep.invalid/h", size: 14, root, extensions: [] } as never);
  const note = signNote(body, [createLogSigner("skep.invalid/h", seed)]);
  const found = parseCheckpoint(note);
  assert.equal(found?.size, 14);
  assert.ok(found && same(found.root, root));
  const key = await parseLogKey(printVkey(createVerifier("skep.invalid/h", ed25519PublicKey(seed))));
  const [signature] = found?.signatures ?? [];
  assert.equal(signature?.id, key?.id);
  assert.equal(key && found && signature && (await isSigned(key.key, found.text, signature.bytes)), true);
  const other = parseCheckpoint(note.replace("\n14\n", "\n15\n"));
  assert.equal(key && other && signature && (await isSigned(key.key, other.text, signature.bytes)), false);
  assert.equal(parseCheckpoint("nothing"), undefined);
});

test("entries come out of their bundle one by one", () => {
  const bundle = Buffer.concat(
    ["one", "", "three"].flatMap((text) => [Buffer.from([0, text.length]), Buffer.from(text)]),
  );
  assert.deepEqual(
    entriesOf(bundle).map((entry) => Buffer.from(entry).toString()),
    ["one", "", "three"],
  );
});

test("the commitment over any output is the library's", async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.nat(200_000).map((size) => new Uint8Array(size).fill(7)),
  );
  await fc.assert(
    fc.asyncProperty(bytes, bytes, async (stdout, stderr) => {
      const theirs = commitToOutput({ stdout, stderr });
      const { digest, chunks } = await commitmentOf(stdout, stderr);
      assert.deepEqual(Buffer.from(digest), theirs.commitment);
      assert.equal(chunks, theirs.chunks);
    }),
    { numRuns: 25 },
  );
});

const worker = createSigner(Buffer.alloc(32, 2));
const stdout = Buffer.from("dlroW ,olleH");
const jobId = "ab".repeat(32);
const committed = commitToOutput({ stdout, stderr: Buffer.alloc(0) });
const result: JobResult = {
  job_spec_hash: [...Buffer.from(jobId, "hex")],
  output_commitment: [...committed.commitment],
  output_chunk_count: committed.chunks,
  completion: "stop",
  resumption: null,
  metrics: { total_duration_ms: 8, prompt_tokens: 0, completion_tokens: 0, extra: { exit_code: "0" } },
};
const receipt = JSON.stringify(
  signReceipt(worker, { result, jobId, completedAt: 1_779_883_200_000_000_000n }),
);
const expected = { key: worker.publicKey, jobId, stdout, stderr: Buffer.alloc(0) };
const verdict = async (text: string, against = expected) =>
  Object.fromEntries((await verifyReceipt(text, against)).map(({ what, ok }) => [what, ok]));

test("a receipt that the library signed holds here, and each way of being wrong is told by its name", async () => {
  const good = { signature: true, worker: true, job: true, output: true };
  assert.deepEqual(await verdict(receipt), good);
  const forged = receipt.replace('"total_duration_ms":8', '"total_duration_ms":9');
  assert.deepEqual(await verdict(forged), { ...good, signature: false });
  assert.deepEqual(await verdict(receipt, { ...expected, key: "00".repeat(32) }), { ...good, worker: false });
  assert.deepEqual(await verdict(receipt, { ...expected, key: "" }), { ...good, worker: undefined });
  assert.deepEqual(await verdict(receipt, { ...expected, jobId: "cd".repeat(32) }), { ...good, job: false });
  assert.deepEqual(await verdict(receipt, { ...expected, stdout: Buffer.from("else") }), {
    ...good,
    output: false,
  });
  assert.deepEqual(await verdict("{}"), { form: false });
});
