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
  #lines: Buffer[] = [];
  /** Lines at the front of `#lines` that are gone. */
  #gone = 0;
  #base = 0;
  #end = 0;
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
    this.#lines.push(line);
    this.#end += line.length;
    while (this.#end - this.#base > this.#most) {
      this.#base += this.#lines[this.#gone]?.length ?? 0;
      this.#gone += 1;
    }
    if (this.#gone * 2 <= this.#lines.length) return;
    this.#lines = this.#lines.slice(this.#gone);
    this.#gone = 0;
  }

  /**
   * Bytes at `position`, counted over all answers of the handle. A position before what is kept gives the oldest
   * that is kept.
   */
  read(position: number, count: number): Uint8Array {
    const from = Math.max(position, this.#base);
    const parts: Buffer[] = [];
    // From the end, since what was answered last is what is read.
    let start = this.#end;
    for (let at = this.#lines.length - 1; at >= this.#gone && start > from; at -= 1) {
      const line = this.#lines[at] as Buffer;
      start -= line.length;
      parts.push(start < from ? line.subarray(from - start) : line);
    }
    return Buffer.concat(parts.reverse()).subarray(0, count);
  }
}
