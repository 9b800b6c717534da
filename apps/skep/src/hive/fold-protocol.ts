import type { Fault } from "@skep/fault";
import type { PastQuestion } from "@skep/kernel";

/** What is asked of a folding thread. */
export type FoldQuestion =
  /** Nothing but what each answer needs: the program loaded, the journal open up to a record. */
  | { readonly op: "warm"; readonly seq: number }
  | { readonly op: "snapshot"; readonly seq: number }
  | { readonly op: "past"; readonly question: PastQuestion }
  | { readonly op: "replay"; readonly from: number; readonly to: number };

/** An error crosses as the parts of a fault. */
export type FoldError = Pick<Fault, "kind" | "code" | "message">;

/** The answer to the question of that number. */
export type FoldAnswer = { readonly id: number; readonly value?: unknown; readonly error?: FoldError };
