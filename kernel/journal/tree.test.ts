import assert from "node:assert/strict";
import { test } from "node:test";
import {
  leafHash,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  TileWriter,
  tileWidthAt,
  treeShape,
  verifyConsistency,
  verifyInclusion,
} from "@skep/tlog";
import { JournalTree } from "./tree.ts";

const record = (seq: number) => Buffer.from(`{"seq":${seq}}`);

function grown(size: number): JournalTree {
  const tree = new JournalTree(async (from, count) =>
    // Fewer than asked for, as where a segment ends.
    Array.from({ length: Math.min(count, 100) }, (_, at) => record(from + at)),
  );
  for (let seq = 0; seq < size; seq += 1) tree.append(record(seq));
  return tree;
}

console.log(
  TileWriter,
  treeShape(5),
  tileWidthAt,
  rootFromTiles,
  proveInclusion,
  proveConsistency,
  verifyInclusion,
  verifyConsistency,
  leafHash,
  assert,
  test,
  grown,
);
