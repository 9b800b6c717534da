/** JSON as a pack has it. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json | undefined };

/** The part of a journal's record that evidence is made from. */
export interface EvidenceRecord {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly epoch: number;
  readonly subject: string;
  /** Absent for the system. */
  readonly role?: string;
  readonly ticket: readonly string[];
  readonly path: string;
  readonly command: Json;
  readonly verdict: {
    readonly ok: boolean;
    readonly kind?: string;
    readonly code?: string;
    readonly message?: string;
    readonly count?: number;
  };
  readonly policy: string;
  readonly events: readonly { readonly t: string; readonly d: Json }[];
  readonly effects: readonly { readonly id: string; readonly kind: string }[];
  readonly outcome?: string;
  readonly approved?: string;
}

/** A JSON object; undefined for everything else. */
export function objectOf(value: Json | undefined): { readonly [name: string]: Json | undefined } | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { readonly [name: string]: Json | undefined })
    : undefined;
}

/** What a command does, in one word. */
export function actOf({ command, outcome }: Pick<EvidenceRecord, "command" | "outcome">): string {
  if (outcome !== undefined) return "outcome";
  const told = objectOf(command);
  if (typeof told?.op === "string") return told.op;
  // A line of the queue says what it decides, or comments.
  if (typeof told?.decision === "string") return told.decision;
  if (typeof told?.comment === "string") return "comment";
  return Object.keys(told ?? {})[0] ?? (command === null ? "command" : "write");
}
