import { type Fault, toFault } from "@skep/fault";
import { printJson } from "@skep/text";
import type { Answer } from "../gate/intent.ts";

/** A fault as the answer to a line. */
export function refusal(fault: Fault): Answer {
  return {
    verdict: fault.kind === "waiting" ? "waiting" : "refused",
    kind: fault.kind,
    code: fault.code,
    reason: fault.row.reason,
    message: fault.message,
    ...(fault.cure === undefined ? {} : { next: fault.cure }),
  };
}

/** What was thrown, as an answer; the cause of an internal error stays here. */
export function refusalOf(thrown: unknown): Answer {
  return refusal(toFault(thrown));
}

/** Answers as JSON lines, read back through the handle that wrote the commands. */
export class AnswerLog {
  #text: Buffer = Buffer.alloc(0);
  #base = 0;
  readonly #most: number;

  /** At most `most` bytes are kept; the oldest answers go first. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Position of the oldest byte that is kept. */
  get base(): number {
    return this.#base;
  }

  push(answer: Answer): void {
    const line = Buffer.from(`${printJson(answer)}\n`);
    this.#text = Buffer.concat([this.#text, line]);
    while (this.#text.length > this.#most) {
      const end = this.#text.indexOf(10) + 1;
      this.#text = this.#text.subarray(end);
      this.#base += end;
    }
  }

  /**
   * Bytes at `position`, counted over all answers of the handle. A position before what is kept gives the oldest
   * that is kept.
   */
  read(position: number, count: number): Uint8Array {
    const at = Math.max(0, position - this.#base);
    return this.#text.subarray(at, at + count);
  }
}
