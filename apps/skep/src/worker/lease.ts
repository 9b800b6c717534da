import { z } from "zod";
import { fault } from "./faults.ts";

const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const Job = z.string().regex(/^\d{1,15}(\.\d{1,4})?$/);
const Count = z.int().min(0);

/** A job as the inbox gives it. Fields that a later hive adds are let pass. */
const Lease = z.object({
  job: Job,
  job_id: Digest,
  owner: z.string(),
  kind: z.enum(["wasm", "task"]),
  /** What the job says it is for. */
  class: z.string().max(64).default("general"),
  what: z.string(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  limits: z.object({
    wallMs: Count,
    memoryBytes: Count,
    fuel: z.string().regex(/^\d{1,20}$/),
    stdoutBytes: Count,
    stderrBytes: Count,
  }),
  grade: z.enum(["fresh", "shared"]),
  stdin: z.object({ bytes: Count, inline: z.string().optional(), digest: Digest.optional() }),
  try: z.int().min(1),
  /** Whether the answer is committed to before it is told. */
  commit: z.boolean().optional(),
  /** Whose machine the hive takes this for, and under which rule it works: the receipt tells them. */
  terms: z
    .object({
      class: z.enum(["owned", "borrowed", "rented", "volunteer"]),
      owner: z.string().min(1).max(256),
      label: z.enum(["public", "internal", "private"]),
      rule: z.string().regex(/^[1-9]\/[1-9]$/),
      policy: z.string().regex(/^v\d{1,15}$/),
      hive_manifest: z
        .string()
        .regex(/^sha256:[0-9a-f]{64}$/)
        .optional(),
    })
    .optional(),
  /** The file that it keeps. */
  checkpoint: z
    .object({
      file: z.string().regex(/^\/(?:[\w.-]+\/)*[\w.-]+$/),
      everyMs: z.int().min(1000),
      maxBytes: z.int().min(1),
    })
    .optional(),
  /** What it kept before and goes on from. */
  resume: z.object({ digest: Digest, bytes: Count }).optional(),
  start_ms: Count,
  until: Count,
});

/** One job, leased. */
export type Lease = z.infer<typeof Lease>;

/** What a line of the inbox says. */
export type InboxLine =
  | { readonly hello: string }
  | { readonly cancel: string }
  /** Everybody has committed: what was committed to is told now. */
  | { readonly reveal: string }
  | { readonly lease: Lease };

/** Reads one line; throws `worker.inbox` for one that was cut, because lines were lost with it. */
export function readInbox(line: string): InboxLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw fault.inbox(line.slice(0, 80));
  }
  if (typeof value === "object" && value !== null) {
    if ("hello" in value && typeof value.hello === "string") return { hello: value.hello };
    if ("reveal" in value && typeof value.reveal === "string") return { reveal: value.reveal };
    if ("cancel" in value && typeof value.cancel === "string") return { cancel: value.cancel };
  }
  const lease = Lease.safeParse(value);
  if (!lease.success) throw fault.inbox(lease.error.issues[0]?.path.join("."));
  return { lease: lease.data };
}

/** Cuts a byte stream into lines; at most one unfinished line of `most` bytes is held. */
export class Lines {
  readonly #most: number;
  #held: Buffer = Buffer.alloc(0);

  constructor(most: number) {
    this.#most = most;
  }

  *push(bytes: Uint8Array): Generator<string> {
    // A copy: what the client gives is a view of its buffer.
    this.#held = Buffer.concat([this.#held, bytes]);
    for (let end = this.#held.indexOf(10); end >= 0; end = this.#held.indexOf(10)) {
      const line = this.#held.toString("utf8", 0, end);
      this.#held = this.#held.subarray(end + 1);
      if (line !== "") yield line;
    }
    if (this.#held.length > this.#most) throw fault.inbox("longer than any line may be");
  }
}
