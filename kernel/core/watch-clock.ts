import type { Decision, Deciding, Json } from "../namespace/node.ts";
import { emit, type KernelSlice, type Lifecycle } from "./slice.ts";
import type { HiveTime } from "./time.ts";

interface Host {
  readonly time: HiveTime;
  readonly slices: { readonly kernel: KernelSlice };
  system(
    provider: string,
    path: string,
    command: Json,
    decide: (deciding: Deciding) => Decision | undefined,
  ): number | undefined;
}

/** The lifecycle of a hive whose wall clock left record time. */
export function untrusted(time: HiveTime): Pick<Lifecycle, "state" | "reason" | "clock"> {
  const drift = Math.round(time.drift() / 1000);
  return { state: "DEGRADED", reason: `wall clock left record time by ${drift} s`, clock: "untrusted" };
}

/**
 * The lifecycle that a start leads to: ONLINE by itself, DEGRADED where the clock is in doubt. A hive that was told to
 * stand still stays so, until it is told to resume.
 */
export function atStart(before: Lifecycle, time: HiveTime): Lifecycle {
  const doubted = time.jumped() ? untrusted(time) : undefined;
  if (before.state === "QUIESCED") return { ...before, clock: doubted?.clock ?? "trusted" };
  return {
    ...(doubted ?? { state: "ONLINE", reason: "started", clock: "trusted" }),
    since: time.now(),
  };
}

/** Tells the journal when the wall clock jumped; `confirming` while what the operator confirmed is not durable yet. */
export function watchClock(host: Host, confirming: () => boolean): void {
  const { time } = host;
  const { clock, state } = host.slices.kernel.lifecycle.get();
  // What the operator confirmed counts for time once it is durable: until then there is nothing to say.
  if (!time.jumped() || clock === "untrusted" || confirming()) return;
  const now = untrusted(time);
  const event = emit("lifecycle@1", {
    ...now,
    state: state === "ONLINE" ? now.state : state,
    since: time.now(),
  });
  const drift = Math.round(time.drift() / 1000);
  host.system("kernel", "/proc/lifecycle", { op: "clock", drift }, () => ({ events: [event] }));
}
