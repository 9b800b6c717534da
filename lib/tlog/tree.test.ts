import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  CompactRange,
  decodeBundle,
  emptyRoot,
  encodeBundle,
  isSubtree,
  leafHash,
  nodeHash,
  parseTilePath,
  proveConsistency,
  proveInclusion,
  proveSubtreeConsistency,
  proveSubtreeInclusion,
  rootFromTiles,
  type Tile,
  tilePath,
  TileWriter,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from "@skep/tlog";
import fc from "fast-check";

const leaves = Array.from({ length: 1300 }, (_, at) => leafHash(Buffer.from(`leaf ${at}`)));
const leaf = (at: number) => leaves[at] ?? assert.fail(`no leaf ${at}`);

/** The definition, RFC 6962 section 2.1, kept apart from the code under test. */
function treeHash(start: number, end: number): Uint8Array {
  if (start === end) return emptyRoot();
  if (end - start === 1) return leaf(start);
  let middle = 1;
  while (middle * 2 < end - start) middle *= 2;
  return nodeHash(treeHash(start, start + middle), treeHash(start + middle, end));
}

/** A store of tiles that has just what a writer gave out, and refuses what the tree does not have. */
function store(size: number) {
  const writer = new TileWriter();
  const full = new Map<string, Uint8Array>();
  const keep = (one: Tile) => full.set(`${one.level}/${one.index}`, one.data);
  for (let at = 0; at < size; at += 1) writer.append(leaf(at)).forEach(keep);
  writer.partialTiles().forEach(keep);
  const read = (level: number, index: number, width: number) => {
    const found = full.get(`${level}/${index}`) ?? assert.fail(`no tile ${level}/${index}`);
    assert.ok(found.length >= width * 32);
    return found;
  };
  return { writer, read, full };
}
const whole = store(leaves.length);

const flip = (hash: Uint8Array, bit: number) =>
  hash.map((byte, at) => (at === Math.floor(bit / 8) ? byte ^ (1 << (bit % 8)) : byte));
const damaged = (proof: readonly Uint8Array[], bit: number) => {
  const at = Math.floor(bit / 256);
  return proof.map((hash, index) => (index === at ? flip(hash, bit % 256) : hash));
};
const proofFault = { code: "tlog.proof" };

test("the root of the empty tree is the hash of nothing, and hashes carry their domain", () => {
  const hex = (hash: Uint8Array) => Buffer.from(hash).toString("hex");
  assert.equal(hex(emptyRoot()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(
    hex(leafHash(new Uint8Array())),
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  );
  assert.deepEqual(leafHash(Buffer.alloc(4094, 1)).length, 32);
  assert.throws(() => nodeHash(new Uint8Array(31), new Uint8Array(32)), { code: "tlog.hash" });
  assert.throws(() => nodeHash(new Uint8Array(32), new Uint8Array(33)), { code: "tlog.hash" });
});

test("roots and proofs of small trees are those of another implementation", async () => {
  const known = JSON.parse(readFileSync(new URL("testdata/small-trees.json", import.meta.url), "utf8"));
  const hashes = known.roots.map((_: string, at: number) => leafHash(Buffer.from(`entry ${at}`)));
  const data = Buffer.concat(hashes);
  const text = (hash: Uint8Array) => Buffer.from(hash).toString("base64");
  for (const [size, root] of known.roots.entries())
    assert.equal(text(await rootFromTiles(size, () => data)), root, `size ${size}`);
  for (const { index, size, proof } of known.inclusion)
    assert.deepEqual((await proveInclusion(index, size, () => data)).map(text), proof);
  for (const { size1, size2, proof } of known.consistency)
    assert.deepEqual((await proveConsistency(size1, size2, () => data)).map(text), proof);
});

test("long and short leaves hash alike on both sides of the scratch buffer", async () => {
  const { createHash } = await import("node:crypto");
  for (const size of [0, 1, 4094, 4095, 4096, 65535]) {
    const data = Buffer.alloc(size, 7);
    const wanted = createHash("sha256")
      .update(Buffer.from([0]))
      .update(data)
      .digest();
    assert.deepEqual(Buffer.from(leafHash(data)), wanted);
  }
});

test("the compact range has the defined root at every size and survives being stored", () => {
  let range = new CompactRange();
  for (let size = 0; size <= 300; size += 1) {
    assert.deepEqual(Buffer.from(range.root()), Buffer.from(treeHash(0, size)), `size ${size}`);
    range = CompactRange.restore(range.serialise());
    assert.equal(range.size, size);
    range.append(leaf(size));
  }
});

test("a stored compact range of another length is refused", () => {
  const range = new CompactRange();
  for (let at = 0; at < 7; at += 1) range.append(leaf(at));
  const bytes = range.serialise();
  assert.equal(bytes.length, 8 + 3 * 32);
  for (const wrong of [bytes.subarray(0, 7), bytes.subarray(0, -1), Buffer.concat([bytes, leaf(0)])])
    assert.throws(() => CompactRange.restore(wrong), { code: "tlog.frontier" });
  assert.throws(() => CompactRange.restore(Buffer.alloc(8, 255)), { code: "tlog.frontier" });
  assert.throws(() => range.append(new Uint8Array(33)), { code: "tlog.hash" });
  assert.equal(range.size, 7);
});

test("every inclusion proof of a random tree verifies, and no bit of it can be flipped", async () => {
  const place = fc
    .integer({ min: 1, max: leaves.length })
    .chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1), bit: fc.nat(20 * 256) }));
  await fc.assert(
    fc.asyncProperty(place, async ({ size, index, bit }) => {
      const root = treeHash(0, size);
      const proof = await proveInclusion(index, size, whole.read);
      verifyInclusion(index, size, leaf(index), proof, root);
      const broken = bit % ((proof.length + 1) * 256);
      if (broken < proof.length * 256)
        assert.throws(
          () => verifyInclusion(index, size, leaf(index), damaged(proof, broken), root),
          proofFault,
        );
      else
        assert.throws(
          () => verifyInclusion(index, size, flip(leaf(index), broken % 256), proof, root),
          proofFault,
        );
      assert.throws(() => verifyInclusion(index, size, leaf(index), [...proof, root], root), proofFault);
      assert.throws(
        () => verifyInclusion((index + 1) % (size + 1), size, leaf(index), proof, root),
        proofFault,
      );
    }),
    { numRuns: 20 },
  );
});

test("every consistency proof of a random tree verifies, and no bit of it can be flipped", async () => {
  const sizes = fc
    .tuple(fc.integer({ min: 1, max: leaves.length }), fc.integer({ min: 1, max: leaves.length }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), async ([size1, size2], seed) => {
      const [root1, root2] = [treeHash(0, size1), treeHash(0, size2)];
      const proof = await proveConsistency(size1, size2, whole.read);
      verifyConsistency(size1, size2, root1, root2, proof);
      const wrong = flip(root1, seed % 256);
      assert.throws(() => verifyConsistency(size1, size2, wrong, root2, proof), proofFault);
      if (proof.length === 0) return;
      const broken = damaged(proof, seed % (proof.length * 256));
      assert.throws(() => verifyConsistency(size1, size2, root1, root2, broken), proofFault);
      assert.throws(() => verifyConsistency(size1, size2, root1, root2, proof.slice(1)), proofFault);
    }),
    { numRuns: 20 },
  );
});

test("every subtree of a random tree proves its place and its leaves", async () => {
  const subtree = fc
    .record({ size: fc.integer({ min: 1, max: 700 }), log: fc.nat(9), at: fc.nat(), cut: fc.nat() })
    .map(({ size, log, at, cut }) => {
      const width = 2 ** log;
      const start = (at % Math.ceil(size / width)) * width;
      const longest = Math.min(width, size - start);
      return { size, start, end: start + 1 + (cut % longest) };
    })
    .filter(isSubtree);
  await fc.assert(
    fc.asyncProperty(subtree, fc.nat(), async ({ size, start, end }, seed) => {
      const part = { start, end };
      const [root1, root2] = [treeHash(start, end), treeHash(0, size)];
      const proof = await proveSubtreeConsistency(part, size, whole.read);
      verifySubtreeConsistency(part, size, root1, root2, proof);
      if (proof.length > 0) {
        const broken = damaged(proof, seed % (proof.length * 256));
        assert.throws(() => verifySubtreeConsistency(part, size, root1, root2, broken), proofFault);
      }
      const index = start + (seed % (end - start));
      const path = await proveSubtreeInclusion(index, part, size, whole.read);
      verifySubtreeInclusion(index, part, leaf(index), path, root1);
      assert.deepEqual(Buffer.from(await rootFromTiles(size, whole.read, part)), Buffer.from(root1));
    }),
    { numRuns: 25 },
  );
});

test("a proof of what lies outside the tree is not built", async () => {
  const range = { code: "tlog.range" };
  await assert.rejects(proveInclusion(5, 5, whole.read), range);
  await assert.rejects(proveConsistency(0, 5, whole.read), range);
  await assert.rejects(proveConsistency(6, 5, whole.read), range);
  await assert.rejects(proveSubtreeConsistency({ start: 2, end: 6 }, 8, whole.read), range);
  await assert.rejects(proveInclusion(2 ** 53, 2 ** 53, whole.read), { code: "tlog.size" });
  await assert.rejects(
    proveInclusion(1, 5, () => new Uint8Array(32 * 4)),
    { code: "tlog.tile" },
  );
});

test("the writer gives each full tile once, in order, and partial tiles of the newest sizes", () => {
  const writer = new TileWriter();
  const seen: string[] = [];
  for (let at = 0; at < 520; at += 1) {
    for (const tile of writer.append(leaf(at))) {
      assert.equal(tile.data.length, 256 * 32);
      seen.push(`${at}: ${tilePath(tile)}`);
    }
  }
  assert.deepEqual(seen, ["255: tile/0/000", "511: tile/0/001"]);
  const at300 = writer.partialTiles(300).map(tilePath);
  assert.deepEqual(at300, ["tile/0/001.p/44", "tile/1/000.p/1"]);
  assert.deepEqual(writer.partialTiles().map(tilePath), ["tile/0/002.p/8", "tile/1/000.p/2"]);
  assert.throws(() => writer.partialTiles(255), { code: "tlog.tilePassed" });
  assert.throws(() => writer.partialTiles(521), { code: "tlog.range" });
});

test("leaf 65,535 completes a tile on two levels, lowest first", () => {
  const writer = new TileWriter();
  let last: readonly Tile[] = [];
  for (let at = 0; at < 65_536; at += 1) last = writer.append(leaf(at % 1300));
  assert.deepEqual(last.map(tilePath), ["tile/0/255", "tile/1/000"]);
  assert.deepEqual(writer.partialTiles().map(tilePath), ["tile/2/000.p/1"]);
});

test("a writer restored at any size goes on as if it had never stopped", async () => {
  for (const size of [0, 1, 2, 255, 256, 257, 511, 512, 700]) {
    const { writer, read } = store(size);
    const again = await TileWriter.restore(size, read);
    assert.deepEqual(again.root(), writer.root(), `root at ${size}`);
    for (let at = size; at < size + 300; at += 1)
      assert.deepEqual(again.append(leaf(at)), writer.append(leaf(at)), `append at ${at}`);
    assert.deepEqual(again.root(), writer.root());
    assert.deepEqual(again.partialTiles(), writer.partialTiles());
  }
});

test("a tile path in any but its one spelling is refused", () => {
  const wrong =
    "tile/0/00 tile/0/x000/001 tile/00/001 tile/64/000 tile/0/000.p/0 tile/0/000.p/256 tile/0/000.p/01 " +
    "tile/0/001/x002 tile/0/0001 /tile/0/000 tile/0/000/ tile/-1/000 tile/0/x999/x999/x999/x999/x999/x999/999 " +
    "tile/entries tile/0/x001/001.p/ tile/0/000.p/1/ tile/0/1000 checkpoint tile/0/000\n";
  for (const path of wrong.split(" "))
    assert.throws(() => parseTilePath(path), { code: "tlog.tilePath" }, path);
  fc.assert(
    fc.property(fc.nat(63), fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (level, index, width) => {
      assert.deepEqual(parseTilePath(tilePath({ level, index, width })), { level, index, width });
    }),
  );
});

test("entry bundles give back what they were made of, and damage is refused", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 256 }), (entries) => {
      const bundle = encodeBundle(entries);
      assert.deepEqual(decodeBundle(bundle, entries.length).map(Buffer.from), entries.map(Buffer.from));
      if (bundle.length > 0)
        assert.throws(() => decodeBundle(bundle.subarray(0, -1), entries.length), { code: "tlog.bundle" });
    }),
    { numRuns: 20 },
  );
  assert.equal(encodeBundle([Buffer.alloc(65_535)]).length, 65_537);
  assert.throws(() => encodeBundle([Buffer.alloc(65_536)]), { code: "tlog.entryTooLong" });
  assert.throws(() => decodeBundle(Buffer.alloc(2 * 257)), { code: "tlog.bundle" });
  assert.throws(() => decodeBundle(Buffer.alloc(4), 3), { code: "tlog.bundle" });
});
