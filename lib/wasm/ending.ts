import type { EndReason } from "./job.ts";

/** Thrown through the module's frames to end the run; no module can catch it. */
export class Ending {
  readonly reason: EndReason;
  readonly exitCode: number | null;
  readonly message: string;

  constructor(reason: EndReason, message: string, exitCode: number | null = null) {
    this.reason = reason;
    this.message = message;
    this.exitCode = exitCode;
  }
}
