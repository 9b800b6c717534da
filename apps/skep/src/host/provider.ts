import type { Facet, Params } from "@skep/provider-host";

/** What a target tells of itself, by which it is seen whether something was done to it. */
export type Evidence = Readonly<Record<string, string | number | boolean>>;

/** A service, a container, a node, a GPU or a link. */
export interface Thing {
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

/** An act, without its facet: `restart` of `systemd.restart`. */
export interface Act {
  readonly verb: string;
  readonly target: string;
  readonly params: Params;
  /** Names the act at the target, where that keeps such a mark. */
  readonly ticket: string;
  readonly signal: AbortSignal;
}

/** Whether an act was done, as the target's own evidence from before it and from now tells. */
export type Done = "yes" | "no" | "unknown";

/** One kind of things on this machine. */
export interface HostProvider extends Disposable {
  readonly facet: Facet;
  /** How often it is looked at, milliseconds. */
  readonly everyMs: number;
  /** What was asked for may still be under way at the target for so long after its asker is gone, milliseconds. */
  readonly settleMs: number;
  /** All things that are there. Throws what becomes the reason of `unknown`. */
  look(signal: AbortSignal): Promise<readonly Thing[]>;
  /** Undefined where the target tells nothing to go by. Throws where it is not there. */
  evidence(target: string, verb: string, signal: AbortSignal): Promise<Evidence | undefined>;
  /** Does it once and waits for its end. Throws `host-agent.lost` where it may have been done, else why it was not. */
  act(act: Act): Promise<{ readonly output?: string }>;
  done(act: Act, before: Evidence | undefined, now: Evidence | undefined): Done;
}
