import { createHash } from "node:crypto";

/** What a worker binds itself to before it sees any other answer. */
export interface Promised {
  /** Commitment over the output as the receipt has it, 32 bytes. */
  readonly output: Uint8Array;
  /** Drawn by the worker for this answer alone, so that nobody can try outputs: 64 hex digits. */
  readonly salt: string;
  /** Ed25519 public key, 64 hex digits. */
  readonly worker: string;
  /** Name of the replica. */
  readonly job: string;
  /** From 1 on. */
  readonly try: number;
}

const word = "skep-commit:v1";

/** The 64 hex digits that are told first: SHA-256 over output commitment, salt, worker key, job and try, each with its length. */
export function promise({ output, salt, worker, job, try: attempt }: Promised): string {
  const hash = createHash("sha256").update(word);
  for (const part of [output, Buffer.from(salt, "hex"), Buffer.from(worker, "hex"), job, String(attempt)]) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes.length);
    hash.update(size).update(bytes);
  }
  return hash.digest("hex");
}

/** Whether what is told now is what was promised. */
export function keeps(promised: string, told: Promised): boolean {
  return promised === promise(told);
}
