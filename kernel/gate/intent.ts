import type { Caller, ControlNode, Emitted, Json, ValueNode } from "../namespace/node.ts";
import type { Found } from "../namespace/place.ts";
import type { Authority } from "../session/authority.ts";
import type { Rates } from "../session/rates.ts";
import type { Acting } from "./policy.ts";

/** Who acts: the part of a session that the gate needs. */
export interface Actor {
  readonly id: string;
  readonly authority: Authority;
  /** The same as deciders see it. */
  readonly caller: Caller;
  readonly rates: Rates;
  readonly state: "SETUP" | "ACTIVE" | "DRAINING" | "CLOSED";
}

/** One line on its way through the gate. Checks fill in what they find. */
export interface Intent {
  readonly found: Found;
  readonly node: ControlNode | ValueNode;
  readonly line: string;
  readonly actor: Actor;
  /** Idempotency key, writer epoch and time of issue, from `$key`, `$epoch`, `$at` or from the edge. */
  key: string | undefined;
  epoch: number | undefined;
  issued: number | undefined;
  trace: string | undefined;
  /** Why, in the words of whoever asks: `$reason`. */
  reason: string | undefined;
  /** The line parsed and checked; set by the schema check. */
  command: unknown;
  /** The command as it is journalled, secrets replaced; set by the schema check. */
  stored: Json;
  /** The act and its class; set by the policy check. */
  acting: Acting | undefined;
  /** Version and rules of the policy that decided, for the record. */
  policy: string;
  /** What the checks consume: events of the accepted record. */
  consumed: readonly Emitted[];
  /** Set when it is stored until it is approved. */
  waits: readonly Emitted[] | undefined;
  /** Id of the waiting intent that is run now. */
  readonly approved: string | undefined;
  /** Set once the `right` check passed: refusals after it are journalled. */
  known: boolean;
}

/** The answer to a line: one JSON object, the same on every edge. */
export interface Answer {
  /** Sequence of the record; absent on a refusal. */
  readonly id?: number;
  readonly verdict: "ok" | "refused" | "waiting";
  readonly kind?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly message?: string;
  /** The next step. */
  readonly next?: string;
  readonly result?: Json;
}
