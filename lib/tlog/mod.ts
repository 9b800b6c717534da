export {
  proveConsistency,
  proveInclusion,
  proveSubtreeConsistency,
  proveSubtreeInclusion,
  rootFromTiles,
  type TileReader,
} from "./build-proof.ts";
export { decodeBundle, encodeBundle, maxEntrySize } from "./bundle.ts";
export {
  type Checkpoint,
  type OpenedCheckpoint,
  openCheckpoint,
  parseCheckpoint,
  printCheckpoint,
  type Trust,
} from "./checkpoint.ts";
export { CompactRange, type OnNode } from "./compact-range.ts";
export { createEcdsaSigner, createEcdsaVerifier, createRfc6962Verifier, rfc6962Time } from "./ecdsa.ts";
export {
  cosignatureTime,
  createCosignatureVerifier,
  createCosigner,
  createSigner,
  createVerifier,
  ed25519PublicKey,
  ed25519Seed,
} from "./ed25519.ts";
export { emptyRoot, hashSize, leafHash, nodeHash } from "./hash.ts";
export { keyIdOf, signatureTypes } from "./key-id.ts";
export {
  acceptCosignatures,
  maxNoteLength,
  maxSignatures,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignatureLines,
  printNote,
  printSignature,
  type Signer,
  signatureLines,
  signNote,
  type Verified,
  type Verifier,
  verifyNote,
} from "./note.ts";
export { type Policy, type PolicyParty, parsePolicy } from "./policy.ts";
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
export { parseTlogProof, printTlogProof, type TlogProof, verifyTlogProof } from "./tlog-proof.ts";
export {
  isSubtree,
  rootOfInclusion,
  type Subtree,
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from "./verify-proof.ts";
export { parseSkey, parseVkey, printSkey, printVkey } from "./vkey.ts";
export {
  type AddCheckpoint,
  addCheckpoint,
  parseAddCheckpoint,
  printAddCheckpoint,
  type WitnessDecision,
  type WitnessedLog,
  type WitnessRecord,
} from "./witness.ts";
export {
  compareCheckpoints,
  readWitnessAnswer,
  type Succession,
  verifySuccession,
  type WitnessAnswer,
  type WitnessOutcome,
} from "./witness-client.ts";
export { parseWitnessRecord, printWitnessRecord, type StoredWitnessRecord } from "./witness-record.ts";
