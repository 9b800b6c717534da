export {
  proveConsistency,
  proveInclusion,
  proveSubtreeConsistency,
  proveSubtreeInclusion,
  rootOfHashes,
  rootFromTiles,
  type TileReader,
} from "./build-proof.ts";
export { decodeBundle, encodeBundle, maxEntrySize } from "./bundle.ts";
export { CompactRange, type OnNode } from "./compact-range.ts";
export { emptyRoot, hashSize, leafHash, nodeHash } from "./hash.ts";
export {
  narrowTile,
  parseTilePath,
  type TileId,
  type TileShape,
  tilePath,
  tileWidth,
  tileWidthAt,
  treeShape,
} from "./tile-path.ts";
export { type Tile, TileWriter } from "./tile-writer.ts";
export {
  isSubtree,
  rootOfInclusion,
  type Subtree,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from "./verify-proof.ts";
