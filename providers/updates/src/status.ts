import type { Json } from "@skep/kernel";
import { encodeItem } from "./cbor.ts";
import { fault } from "./faults.ts";
import type { At } from "./files.ts";
import type { Update } from "./state.ts";

/** The original's words for how far an update is, and one of ours. */
function wordOf(update: Update | undefined): string {
  if (!update) return "empty";
  if (update.stage === "chunks" || update.stage === "checking") return "manifest_pending";
  return update.stage === "pending" ? "chunks_pending" : update.stage;
}

/** What is no state: bytes that were refused since the start, and chunks that are not on the disk. */
interface Present {
  readonly refused: number;
  readonly lacking: number;
}

/** How far an update is. */
export function statusOf({ state, params }: At, { refused, lacking }: Present) {
  const { epoch = "" } = params;
  const update = state.epochs.get(epoch);
  const chunks = update?.stage === "chunks" ? update.early : (update?.chunks ?? 0);
  const isDamaged = update?.stage === "ready" && lacking > 0;
  const { code: reason = update?.reason ?? "", cure = "" } = isDamaged ? fault.damaged() : {};
  return {
    epoch,
    state: isDamaged ? "damaged" : wordOf(update),
    manifest_bytes: update?.manifestBytes ?? 0,
    manifest_sha256: update?.manifestSha256 ?? "",
    chunk_bytes: update?.chunkBytes ?? 0,
    chunks,
    missing: Math.max(lacking, update?.missing ?? 0),
    payload_bytes: update?.payloadBytes ?? 0,
    payload_sha256: update?.payloadSha256 ?? "",
    base_epoch: update?.base ?? "",
    quarantined: refused + (update?.stage === "quarantined" ? 1 : 0),
    signed_by: update?.key ?? "",
    ...{ reason, cure },
  };
}

type Status = ReturnType<typeof statusOf>;

const word = (value: string): string => value || "-";

/** Five lines, the first as the original has it. */
export function statusText(status: Status): string {
  return [
    `status epoch=${status.epoch} state=${status.state}`,
    `manifest bytes=${status.manifest_bytes} sha256=${word(status.manifest_sha256)} signed_by=${word(status.signed_by)}`,
    `chunks bytes=${status.chunk_bytes} count=${status.chunks} missing=${status.missing}`,
    `payload bytes=${status.payload_bytes} sha256=${word(status.payload_sha256)} base_epoch=${word(status.base_epoch)}`,
    `quarantine count=${status.quarantined} reason=${word(status.reason)}`,
    "",
  ].join("\n");
}

/** A map of eleven members. */
export function statusCbor({ signed_by: _, reason: __, cure: ___, ...status }: Status): Uint8Array {
  return encodeItem(new Map(Object.entries(status)));
}

/** The same with key, reason and cure. */
export function statusJson(status: Status): Json {
  return status;
}
