import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CompactRange,
  leafHash,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  TileWriter,
  treeShape,
  verifyConsistency,
  verifyInclusion,
} from "@skep/tlog";
import { JournalTree } from "./tree.ts";

const record = (seq: number) => Buffer.from(`{"seq":${seq}}`);

// Gives fewer records than asked for, as segments do at their ends.
const read = async (from: number, count: number) =>
  Array.from({ length: Math.min(count, 100) }, (_, at) => record(from + at));

function grow(tree: JournalTree, size: number): JournalTree {
  while (tree.size < size) tree.append(record(tree.size));
  return tree;
}

const grown = (size: number) => grow(new JournalTree(read), size);
const reader = (tree: JournalTree) => (level: number, index: number, width: number) =>
  tree.tile(level, index, width);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("roots of every size up to 300 are those of the tile writer", () => {
  const tree = new JournalTree(read);
  const writer = new TileWriter();
  for (let size = 0; size <= 300; size += 1) {
    assert.equal(hex(tree.root()), hex(writer.root()), `size ${size}`);
    tree.append(record(size));
    writer.append(leafHash(record(size)));
  }
});

test("tiles of every size up to 300 lead to its root", async () => {
  const tree = new JournalTree(read);
  for (let size = 0; size <= 300; size += 1) {
    assert.equal(hex(await rootFromTiles(size, reader(tree))), hex(tree.root()), `size ${size}`);
    tree.append(record(size));
  }
});

for (const size of [255, 256, 257, 65_537])
  test(`every tile of ${size} records is that of the tile writer`, async () => {
    const tree = grown(size);
    const full = new Map<string, string>();
    const writer = new TileWriter();
    for (let at = 0; at < size; at += 1)
      for (const tile of writer.append(leafHash(record(at))))
        full.set(`${tile.level}/${tile.index}`, hex(tile.data));
    for (const { level, index, data } of writer.partialTiles()) full.set(`${level}/${index}`, hex(data));
    let tiles = 0;
    for (const { level, full: whole, partial } of treeShape(size))
      for (let index = 0; index < whole + (partial > 0 ? 1 : 0); index += 1) {
        const width = index < whole ? 256 : partial;
        assert.equal(
          hex(await tree.tile(level, index, width)),
          full.get(`${level}/${index}`),
          `${level}/${index}`,
        );
        tiles += 1;
      }
    assert.equal(tiles, full.size);
  });

test("proofs from its tiles verify", async () => {
  const [older, tree] = [grown(300), grown(1000)];
  for (const index of [0, 255, 256, 299, 999]) {
    const proof = await proveInclusion(index, 1000, reader(tree));
    verifyInclusion(index, 1000, leafHash(record(index)), proof, tree.root());
  }
  verifyConsistency(300, 1000, older.root(), tree.root(), await proveConsistency(300, 1000, reader(tree)));
});

test("a proof in a long log hashes no full part of it again", async (context) => {
  // A million records and some, of which nothing but the hashes of their tiles is known.
  const tiles = Buffer.alloc(32 * (17 * 256 - 1), "tile");
  const tree = new JournalTree(read);
  tree.seed(tiles);
  const append = context.mock.method(CompactRange.prototype, "append");
  const prove = async (index: number) => {
    const before = append.mock.callCount();
    const proof = await proveInclusion(index, tree.size, reader(tree));
    return { proof, hashed: append.mock.callCount() - before };
  };
  const first = await prove(70_000);
  const again = await prove(70_000);
  assert.equal(first.hashed, 16 * 256);
  assert.deepEqual([again.hashed, again.proof], [0, first.proof]);
  assert.equal((await prove(500_000)).hashed, 0);
  for (let at = 0; at < 256; at += 1) tree.append(record(at));
  const before = append.mock.callCount();
  await tree.tile(2, 0, 17);
  assert.equal(append.mock.callCount() - before, 256);
});

test("a tree that starts from kept tiles goes on like one that saw every record", async () => {
  for (const size of [256, 511, 512, 1000, 65_700]) {
    const whole = grown(size);
    const tree = new JournalTree(read);
    tree.seed(whole.fullTiles);
    assert.equal(tree.size, Math.floor(size / 256) * 256);
    grow(tree, size);
    assert.equal(hex(tree.root()), hex(whole.root()), `size ${size}`);
    grow(tree, size + 300);
    assert.equal(hex(tree.root()), hex(grown(size + 300).root()));
    assert.equal(hex(await rootFromTiles(size + 300, reader(tree))), hex(tree.root()));
    assert.equal(hex(tree.fullTiles), hex(grown(size + 300).fullTiles));
  }
});

test("a tile beyond the tree is refused", async () => {
  const tree = grown(300);
  await assert.rejects(tree.tile(0, 1, 45), { code: "journal.beyond" });
  await assert.rejects(tree.tile(0, 2, 1), { code: "journal.beyond" });
  await assert.rejects(tree.tile(1, 0, 2), { code: "journal.beyond" });
  await assert.rejects(tree.tile(2, 0, 1), { code: "journal.beyond" });
});
