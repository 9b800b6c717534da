import { faults } from "@skep/fault";
import type { Caps } from "./rules.ts";

const fault = faults("owner", {
  small: [
    "invalid",
    "Cannot run one job within caps.memory",
    { cure: "Raise caps.memory in owner.toml, or leave it out" },
  ],
});

/** What a worker would use if nobody limited it. */
export interface Offer {
  /** Jobs at a time. */
  readonly slots: number;
  /** Bytes that one job may have. */
  readonly memoryBytes: number;
  /** Bytes that one job needs beside them. */
  readonly overheadBytes: number;
  /** Bytes of kept modules. */
  readonly cacheBytes: number;
  /** Bytes of each stream of output of one job. */
  readonly outputBytes: number;
}

/** What it may use. */
export interface Narrowed extends Offer {
  /** Processors that all jobs share, a fraction too; null for all. */
  readonly cpus: number | null;
  /** Bytes per second; null for as many as there are. */
  readonly networkBytes: number | null;
}

/** A job with less memory is hardly worth having. */
const modestBytes = 64 * 1024 * 1024;

/**
 * What is left of an offer within the owner's caps: never more than was offered, and less with each smaller cap. Nobody but
 * the owner widens it. Throws `owner.small`.
 */
export function narrow(offer: Offer, caps: Caps, processors: number): Narrowed {
  const { overheadBytes } = offer;
  const memory = caps.memory ?? Number.POSITIVE_INFINITY;
  const fitting = Math.max(
    1,
    Math.floor(memory / (overheadBytes + Math.min(modestBytes, offer.memoryBytes))),
  );
  const slots = Math.min(offer.slots, Math.floor(caps.slots ?? offer.slots), fitting);
  const each = Math.floor(memory / slots) - overheadBytes;
  if (each < 65_536) throw fault.small(`${caps.memory} bytes, at least ${overheadBytes + modestBytes}`);
  const disk = caps.disk ?? Number.POSITIVE_INFINITY;
  return {
    slots,
    overheadBytes,
    // The engine gives memory in pages of 64 KiB.
    memoryBytes: Math.min(
      offer.memoryBytes,
      Number.isFinite(each) ? Math.floor(each / 65_536) * 65_536 : each,
    ),
    cacheBytes: Math.min(offer.cacheBytes, Math.floor(disk / 2)),
    // Two streams of each job, and nothing else lies beside the modules.
    outputBytes: Math.min(offer.outputBytes, Math.floor(disk / 2 / (2 * slots))),
    cpus: caps.cpu === null ? null : (caps.cpu / 100) * processors,
    networkBytes: caps.network,
  };
}

/** Why the owner does not take this work; undefined where nothing speaks against it. */
export function refusal(
  refuse: {
    readonly kinds: readonly string[];
    readonly classes: readonly string[];
    readonly subjects: readonly string[];
  },
  work: { readonly kind: string; readonly class: string; readonly subject: string },
): string | undefined {
  if (refuse.kinds.includes(work.kind)) return `the owner takes no ${work.kind} jobs`;
  if (refuse.classes.includes(work.class)) return `the owner takes no work of class ${work.class}`;
  if (refuse.subjects.includes(work.subject)) return `the owner takes no work of ${work.subject}`;
  return undefined;
}
