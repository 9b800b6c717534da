import type { Json } from "@skep/kernel";

/** Output of a job: small output rides in the record, larger lies in the blob store. */
export type Output = { readonly bytes: number; readonly inline?: string; readonly digest?: string };

/** A receipt as it came. */
export type Envelope = { readonly [key: string]: Json | undefined };

/** How a job ended. */
export type End = {
  readonly reason: string;
  readonly exit: number | null;
  readonly message: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The signed envelope as the worker sent it, null from a worker that does not sign. */
  readonly receipt: Envelope | null;
  readonly verified: boolean;
  readonly peakBytes: number;
};
