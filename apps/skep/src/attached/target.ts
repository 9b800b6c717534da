/** What a target tells of itself, by which it is seen whether something was done to it. */
export type Evidence = Readonly<Record<string, string | number | boolean>>;

/** An act, without the kind of its target: `restart` of `systemd.restart`. */
export interface Act {
  readonly verb: string;
  readonly target: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** Names the act at the target, where that keeps such a mark. */
  readonly ticket: string;
  readonly signal: AbortSignal;
}

/** Whether an act was done, as the target's own evidence from before it and from now tells. */
export type Done = "yes" | "no" | "unknown";

/** What acts are done to, and what tells whether they were. */
export interface Target {
  /** What was asked for may still be under way at the target for so long after its asker is gone, milliseconds. */
  readonly settleMs: number;
  /** Undefined where the target tells nothing to go by. Throws where it is not there. */
  evidence(target: string, verb: string, signal: AbortSignal): Promise<Evidence | undefined>;
  /** Does it once and waits for its end. Throws a fault `*.lost` where it may have been done, else why it was not. */
  act(act: Act): Promise<{ readonly output?: string }>;
  done(act: Act, before: Evidence | undefined, now: Evidence | undefined): Done;
}
