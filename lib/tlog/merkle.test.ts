import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  decodeBundle,
  leafHash,
  parseTilePath,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  tilePath,
  tileWidth,
  treeShape,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from "@skep/tlog";

const vectors = new URL("../../../shared/vectors/tlog/", import.meta.url);
const skip = existsSync(vectors) ? false : "vectors/tlog is not beside this checkout";
const json = (path: string) => JSON.parse(readFileSync(new URL(path, vectors), "utf8"));
const bytes = (base64: string | null | undefined) => Buffer.from(base64 ?? "", "base64");

interface Case {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly size1: number;
  readonly size2: number;
  readonly root: string | null;
  readonly root1: string | null;
  readonly root2: string | null;
  readonly leafHash: string | null;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

const verifiers: Record<string, (one: Case, proof: Uint8Array[]) => void> = {
  inclusion: (one, proof) =>
    verifyInclusion(one.leafIdx, one.treeSize, bytes(one.leafHash), proof, bytes(one.root)),
  consistency: (one, proof) =>
    verifyConsistency(one.size1, one.size2, bytes(one.root1), bytes(one.root2), proof),
  subtreeinclusion: (one, proof) =>
    verifySubtreeInclusion(one.leafIdx, one, bytes(one.leafHash), proof, bytes(one.root)),
  subtreeconsistency: (one, proof) =>
    verifySubtreeConsistency(one, one.size, bytes(one.root1), bytes(one.root2), proof),
};
const counts: Record<string, number> = {
  inclusion: 98,
  consistency: 98,
  subtreeinclusion: 204,
  subtreeconsistency: 118,
};

for (const [kind, verify] of Object.entries(verifiers))
  test(`every published ${kind} case gets the published verdict`, { skip }, () => {
    const cases = json(`merkle/${kind}.json`) as { file: string; case: Case }[];
    assert.equal(cases.length, counts[kind]);
    for (const { file, case: one } of cases) {
      const proof = (one.proof ?? []).map(bytes);
      if (one.wantErr) assert.throws(() => verify(one, proof), { name: "Fault" }, file);
      else assert.doesNotThrow(() => verify(one, proof), file);
    }
  });

test("tile paths and tile shapes are those of the published table, both ways", { skip }, () => {
  const table = json("tile-paths.json");
  for (const [index, path] of table.index_paths as [number, string][]) {
    for (const level of [0, 7, 63, "entries"] as const)
      for (const width of [1, 255, 256]) {
        const id = { level, index, width };
        const whole = `tile/${level}/${path}${width === 256 ? "" : `.p/${width}`}`;
        assert.equal(tilePath(id), whole);
        assert.deepEqual(parseTilePath(whole), id);
      }
  }
  for (const { size, tiles } of table.tree_shapes) assert.deepEqual(treeShape(size), tiles, String(size));
});

const log = (path: string) => readFileSync(new URL(`tessera-15/${path}`, vectors));
const tile = (level: number, index: number, width: number) => log(tilePath({ level, index, width }));

test("a published log's bundles hash to its tiles, and its tiles to its roots", { skip }, async () => {
  for (let size = 1; size <= 15; size += 1) {
    const entries = decodeBundle(log(tilePath({ level: "entries", index: 0, width: size })), size);
    assert.deepEqual(Buffer.concat(entries.map(leafHash)), tile(0, 0, size));
    const root = log(`checkpoint.${size}`).toString().split("\n")[2];
    assert.equal(Buffer.from(await rootFromTiles(size, tile)).toString("base64"), root);
  }
});

const encode = (proof: readonly Uint8Array[]) => proof.map((one) => Buffer.from(one).toString("base64"));

test("proofs built from a published log's tiles are the published ones", { skip }, async () => {
  const inclusion = json("tessera-15/inclusion-proofs-size15.json");
  assert.equal(inclusion.length, 15);
  for (const one of inclusion) assert.deepEqual(encode(await proveInclusion(one.index, 15, tile)), one.proof);
  const consistency = json("tessera-15/consistency-proofs.json");
  assert.equal(consistency.length, 120);
  for (const { size1, size2, root1, root2, proof } of consistency) {
    assert.deepEqual(encode(await proveConsistency(size1, size2, tile)), proof);
    verifyConsistency(size1, size2, bytes(root1), bytes(root2), proof.map(bytes));
  }
});

test("a mirror's two levels of tiles give the root that it cosigned", { skip }, async () => {
  const mirror = "witness/mirror/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706";
  const read = (level: number, index: number, width: number) =>
    readFileSync(new URL(`sunlight-300/${mirror}/${tilePath({ level, index, width })}`, vectors));
  const text = readFileSync(new URL(`sunlight-300/${mirror}/checkpoint`, vectors), "utf8");
  const root = bytes(text.split("\n")[2]);
  assert.deepEqual(Buffer.from(await rootFromTiles(300, read)), root);
  for (const index of [0, 255, 256, 299]) {
    const proof = await proveInclusion(index, 300, read);
    const row = read(0, Math.floor(index / tileWidth), index < 256 ? 256 : 44);
    const leaf = row.subarray((index % 256) * 32, (index % 256) * 32 + 32);
    verifyInclusion(index, 300, leaf, proof, root);
  }
});
