import type { Fault } from "@skep/fault";
import type { ErrReply } from "@skep/grammar";

/** What came of a write. */
export interface Written {
  /** Bytes that were taken. */
  readonly taken: number;
  /** The result as JSON, where the edge itself tells it. */
  readonly result?: string;
}

/** What one edge gives one actor. Everything that is refused throws a `Fault` or a `ConsoleRefusal`. */
export interface Door {
  readonly edge: "session" | "9p" | "console" | "http";
  ls(path: string): Promise<readonly string[]>;
  read(path: string): Promise<Uint8Array>;
  write(path: string, bytes: Buffer): Promise<Written>;
  close(): Promise<void>;
}

/** An `ERR` line of the console. */
export class ConsoleRefusal extends Error {
  readonly reply: ErrReply;

  constructor(reply: ErrReply) {
    super(`${reply.verb} ${reply.reason} ${reply.detail ?? ""}`);
    this.reply = reply;
  }
}

/** A refusal as its edge tells it. */
export type Refusal = Fault | ConsoleRefusal;

/** What a step was answered with. */
export type Answer =
  | { readonly is: "lines"; readonly lines: readonly string[] }
  | { readonly is: "ok"; readonly result: string }
  | {
      readonly is: "refused";
      readonly by: Refusal;
      readonly code: string | undefined;
      readonly took?: number;
    };
