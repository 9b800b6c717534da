export {
  type Chunk,
  type ChunkKind,
  type Commitment,
  type Committed,
  chunkBytes,
  commitTo,
  createCommitment,
} from "./commitment.ts";
export { jobIdOf, manifestMessage, receiptMessage, signManifest, signReceipt } from "./envelope.ts";
export { printRunFacts, type RunFacts, readRunFacts } from "./extra.ts";
export { parseMoment, printMoment } from "./moment.ts";
export { JobResult, JobSpec, SignedManifest, SignedReceipt } from "./schema.ts";
export { createSigner, type Signer } from "./signer.ts";
export {
  type Expected,
  type Failure,
  isOutputOf,
  type Verdict,
  verifyManifest,
  verifyReceipt,
} from "./verify.ts";
