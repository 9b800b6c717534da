import { toFault } from "@skep/fault";
import { type Checkpoint, openCheckpoint, type Trust } from "./checkpoint.ts";
import { decodeDecimal, decodeText, sameBytes } from "./encoding.ts";
import { fault } from "./faults.ts";
import { emptyRoot } from "./hash.ts";
import { acceptCosignatures, type Verifier } from "./note.ts";
import { verifyConsistency } from "./verify-proof.ts";

/** What a witness answered to `add-checkpoint`, as HTTP has it. */
export interface WitnessAnswer {
  readonly status: number;
  /** Of the header; parameters after `;` are ignored. */
  readonly contentType?: string;
  readonly body: string | Uint8Array;
}

/** What a log does next with such an answer. */
export type WitnessOutcome =
  /** The checkpoint with the cosignatures that were asked for. */
  | { readonly kind: "cosigned"; readonly checkpoint: string }
  /** The witness has another size: prove from there and ask again. */
  | { readonly kind: "again"; readonly oldSize: number }
  /** The witness has a size that this log never had: one of the two was set back, or the log was forked. */
  | { readonly kind: "ahead"; readonly theirSize: number }
  | { readonly kind: "refused"; readonly status: number; readonly reason: string };

const maxAnswer = 64 * 1024;

function refused(status: number, reason: string): WitnessOutcome {
  return { kind: "refused", status, reason };
}

function readSize(text: string, { contentType }: WitnessAnswer): number | undefined {
  if (contentType?.split(";")[0]?.trim().toLowerCase() !== "text/x.tlog.size") return undefined;
  return text.endsWith("\n") ? decodeDecimal(text.slice(0, -1)) : undefined;
}

/**
 * Reads a witness's answer, C2SP tlog-witness v1.0.0, to a request with `oldSize` about `checkpoint`. An answer that
 * does not fit the protocol, or whose cosignature does not verify by `witnesses`, is `refused`; nothing is thrown.
 */
export function readWitnessAnswer(
  answer: WitnessAnswer,
  asked: { readonly checkpoint: string; readonly size: number; readonly oldSize: number },
  witnesses: readonly Verifier[],
): WitnessOutcome {
  const { status, body } = answer;
  const text = body.length > maxAnswer ? undefined : decodeText(body);
  if (text === undefined) return refused(status, "an answer that is no text of at most 64 KiB");
  if (status === 409) {
    const size = readSize(text, answer);
    if (size === undefined) return refused(status, "a conflict without a size");
    if (size > asked.size) return { kind: "ahead", theirSize: size };
    // Told the size that we sent: it has another root of that size.
    if (size === asked.oldSize) return refused(status, "another root of the same size was cosigned");
    return { kind: "again", oldSize: size };
  }
  if (status !== 200) return refused(status, text.trim() || "no reason told");
  try {
    return { kind: "cosigned", checkpoint: acceptCosignatures(asked.checkpoint, text, witnesses) };
  } catch (thrown) {
    return refused(status, toFault(thrown).message);
  }
}

/** How a later checkpoint of a log stands to an earlier one. */
export type Succession =
  | "same"
  /** It holds all of the earlier one. */
  | "grown"
  /** The log is smaller than it was. */
  | "went-back"
  /** One size, two roots: the log showed two histories. */
  | "split-view"
  /** It is larger and does not hold the earlier one, or the proof does not show that it does. */
  | "rewritten"
  /** Another log. */
  | "other-origin";

/** Compares two checkpoints that were verified before; `proof` is the consistency proof between their sizes. */
export function compareCheckpoints(
  earlier: Checkpoint,
  later: Checkpoint,
  proof: readonly Uint8Array[],
): Succession {
  if (earlier.origin !== later.origin) return "other-origin";
  if (later.size < earlier.size) return "went-back";
  if (later.size === earlier.size) return sameBytes(earlier.root, later.root) ? "same" : "split-view";
  if (earlier.size === 0) return sameBytes(earlier.root, emptyRoot()) ? "grown" : "rewritten";
  try {
    verifyConsistency(earlier.size, later.size, earlier.root, later.root, proof);
    return "grown";
  } catch {
    return "rewritten";
  }
}

/**
 * Opens both by `trust` and demands that the later one continues the earlier one. Throws what `openCheckpoint` throws,
 * or `tlog.succession` with the word of `compareCheckpoints`.
 */
export function verifySuccession(
  earlier: string | Uint8Array,
  later: string | Uint8Array,
  proof: readonly Uint8Array[],
  trust: Trust,
): Checkpoint {
  const from = openCheckpoint(earlier, trust).checkpoint;
  const to = openCheckpoint(later, trust).checkpoint;
  const found = compareCheckpoints(from, to, proof);
  if (found !== "same" && found !== "grown")
    throw fault.succession(`${found} at ${from.size} and ${to.size}`);
  return to;
}
