import type { Metrics } from "../core/metrics.ts";
import type { Rings } from "../core/rings.ts";
import type { Slices } from "../core/slices.ts";
import type { HiveTime } from "../core/time.ts";
import type { Answer, Intent } from "../gate/intent.ts";
import type { Limits } from "../limits.ts";
import type { Caller, Deciding, Decision, Json, Scene } from "../namespace/node.ts";
import type { Found, Place } from "../namespace/place.ts";

/** What a session needs of the kernel. */
export interface SessionHost {
  readonly limits: Limits;
  readonly time: HiveTime;
  readonly tree: Place;
  readonly metrics: Metrics;
  readonly rings: Rings;
  readonly slices: Slices;
  /** How full the disk is. */
  readonly space: "ok" | "low" | "tight" | "full";
  /** Resolves when everything decided so far is durable; undefined when it is. */
  settled(): Promise<void> | undefined;
  /** Resolves in a later turn of the event loop. */
  laterTurn(): Promise<void>;
  scene(found: Found, caller: Caller): Scene;
  /** Throws the fault of a refusal. */
  judge(intent: Intent): Answer;
  system(
    provider: string,
    path: string,
    command: Json,
    decide: (deciding: Deciding) => Decision | undefined,
  ): number | undefined;
  /** Told once when a session has ended. */
  ended(session: { readonly id: string; readonly subject: string }): void;
}
