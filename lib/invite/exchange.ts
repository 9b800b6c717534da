import type { Offer } from "./offer.ts";

/** What a job needs of a machine, in the words of the original. */
export interface Requirements {
  readonly cpu_cores: number;
  readonly memory_mb: number;
  readonly timeout_seconds: number;
  readonly arch: string;
  readonly wasm_runtime: string;
}

/** What is offered to a volunteer. */
export interface JobOffer {
  readonly job_id: string;
  /** Hex; counts once. */
  readonly nonce: string;
  /** `sha256:` and 64 hex digits; zeros where it is not settled yet which modules come. */
  readonly module_hash: string;
  readonly requirements: Requirements;
}

/** Why a volunteer does not want it. */
export type Reason =
  | { readonly InsufficientResources: { readonly missing: string } }
  | { readonly ArchMismatch: { readonly required: string; readonly available: string } }
  | { readonly RuntimeNotSupported: { readonly required: string } }
  | "QueueFull"
  | { readonly InvalidRequest: { readonly details: string } };

/** What a volunteer answers. */
export type JobResponse =
  | {
      readonly Accepted: {
        readonly job_id: string;
        /** Seconds since 1970. */
        readonly estimated_start: number;
        readonly node_peer_id: string;
      };
    }
  | { readonly Rejected: { readonly job_id: string; readonly reason: Reason } };

/** What answering takes into account besides what is offered. */
export interface Standing {
  readonly offer: Offer;
  readonly peer: string;
  readonly now: number;
  /** Whether it works for somebody already. */
  readonly busy: boolean;
  /** Whether a nonce is new; notes it. */
  readonly fresh: (nonce: string) => boolean;
}

/** Most bytes of either side. */
export const mostExchanged = 65_536;

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

function detailsOf(value: Partial<JobOffer>): string | undefined {
  const { job_id, nonce, module_hash, requirements } = value;
  if (typeof job_id !== "string" || !/^[\w.:-]{1,128}$/.test(job_id)) return "job_id";
  if (typeof nonce !== "string" || !/^[0-9a-f]{16,64}$/.test(nonce)) return "nonce";
  if (typeof module_hash !== "string" || !/^sha256:[0-9a-f]{64}$/.test(module_hash)) return "module_hash";
  if (typeof requirements !== "object" || requirements === null) return "requirements";
  for (const name of ["cpu_cores", "memory_mb", "timeout_seconds"] as const)
    if (!isCount(requirements[name])) return `requirements.${name}`;
  for (const name of ["arch", "wasm_runtime"] as const)
    if (typeof requirements[name] !== "string") return `requirements.${name}`;
  return undefined;
}

function unfit({ requirements: wanted }: JobOffer, { offer, busy }: Standing): Reason | undefined {
  if (wanted.arch !== "any" && wanted.arch !== offer.arch)
    return { ArchMismatch: { required: wanted.arch, available: offer.arch } };
  if (!["wasm", "wasmtime", "wasm3"].includes(wanted.wasm_runtime.split("-", 1)[0] ?? ""))
    return { RuntimeNotSupported: { required: wanted.wasm_runtime } };
  for (const name of ["cpu_cores", "memory_mb", "timeout_seconds"] as const)
    if (wanted[name] > offer[name])
      return {
        InsufficientResources: { missing: `${name}: ${wanted[name]} wanted, ${offer[name]} offered` },
      };
  return busy ? "QueueFull" : undefined;
}

/** Answers an offer: malformed, architecture, runtime, processor, memory, time, and whether there is room, in that order. */
export function answerJobOffer(text: string, standing: Standing): JobResponse {
  let value: Partial<JobOffer> = {};
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null) value = read;
  } catch {
    // Told as what it lacks.
  }
  const job_id = typeof value.job_id === "string" ? value.job_id.slice(0, 128) : "";
  const invalid = (details: string): JobResponse => ({
    Rejected: { job_id, reason: { InvalidRequest: { details } } },
  });
  const details = detailsOf(value);
  if (details !== undefined) return invalid(`no valid ${details}`);
  const asked = value as JobOffer;
  if (!standing.fresh(asked.nonce)) return invalid("nonce was used before");
  const reason = unfit(asked, standing);
  if (reason !== undefined) return { Rejected: { job_id, reason } };
  const { now, peer } = standing;
  return { Accepted: { job_id, estimated_start: Math.floor(now / 1000), node_peer_id: peer } };
}

/** Reads an answer to the offer of `jobId`; undefined where it is none. */
export function readJobResponse(text: string, jobId: string): JobResponse | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<"Accepted" | "Rejected", { job_id?: unknown }>>;
    const { Accepted: yes, Rejected: no } = value;
    return (yes ?? no)?.job_id === jobId && (yes === undefined) !== (no === undefined)
      ? (value as JobResponse)
      : undefined;
  } catch {
    return undefined;
  }
}
