import type { Fault } from "@skep/fault";

/** What is asked about the past. */
export type PastQuestion = {
  readonly seq: number;
  readonly op: "stat" | "list" | "read";
  readonly path: string;
  readonly caller: { readonly subject: string; readonly role: string; readonly blocks: readonly string[] };
  readonly offset?: number;
  readonly count?: number;
};

export type FoldQuestion =
  | { readonly op: "snapshot"; readonly seq: number }
  | { readonly op: "past"; readonly question: PastQuestion };

/** An error crosses as the parts of a fault. */
export type FoldError = Pick<Fault, "kind" | "code" | "message">;

export type FoldAnswer = { readonly id: number; readonly value?: unknown; readonly error?: FoldError };
