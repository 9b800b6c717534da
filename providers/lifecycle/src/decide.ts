import { faults } from "@skep/fault";
import type { Deciding, Decision, KernelSlice } from "@skep/kernel";
import type { LifecycleCommand, Move } from "./command.ts";
import { emit, type Root } from "./state.ts";

const fault = faults("lifecycle", {
  role: ["denied", "Cannot change the state of the hive with this role", { detail: "denied" }],
  transition: [
    "conflict",
    "Cannot do this in the present state",
    { cure: "See it with `skep cat /proc/lifecycle/state`", detail: "invalid-payload" },
  ],
  outstanding: [
    "conflict",
    "Cannot do this while work or leases are outstanding",
    { cure: "`cordon` takes no new work: wait, or kill, cancel and release what is left", detail: "denied" },
  ],
  notCut: ["conflict", "Cannot restore what is not cut", { detail: "invalid-payload" }],
});

/** What of a provider has to end before the hive may stand still. */
export interface OutstandingView {
  /** Things by their name, such as `jobs`, that are not over. */
  counts(): Readonly<Record<string, number>>;
}

/** Views of other slices. */
export interface Uses {
  readonly kernel: KernelSlice;
  readonly spawned: { ids(): Iterable<string> };
  readonly [view: `outstanding-${string}`]: OutstandingView;
}

type At = Deciding<Root, Uses>;
type State = "BOOTING" | "ONLINE" | "DEGRADED" | "DRAINING" | "QUIESCED";

interface Row {
  readonly from: readonly State[];
  readonly to: State;
  /** True where nothing may be outstanding. */
  readonly empty?: boolean;
}

/** The transitions of the original (facts/cohesix.md §8). */
const table: Readonly<Record<Move, Row>> = {
  cordon: { from: ["ONLINE", "DEGRADED"], to: "DRAINING" },
  drain: { from: ["DRAINING"], to: "QUIESCED", empty: true },
  resume: { from: ["BOOTING", "DEGRADED", "DRAINING", "QUIESCED"], to: "ONLINE" },
  quiesce: { from: ["ONLINE", "DEGRADED", "DRAINING"], to: "QUIESCED", empty: true },
  reset: { from: ["ONLINE", "DEGRADED", "DRAINING", "QUIESCED"], to: "BOOTING", empty: true },
};

/** What is not over yet, by name: nothing of it may be left in QUIESCED. */
export function outstandingOf(views: Uses): Record<string, number> {
  const counts: Record<string, number> = {};
  const workers = [...views.spawned.ids()].length;
  if (workers > 0) counts.workers = workers;
  for (const [name, view] of Object.entries(views))
    if (name.startsWith("outstanding-"))
      for (const [what, count] of Object.entries((view as OutstandingView).counts()))
        if (count > 0) counts[what] = count;
  return counts;
}

function move(action: Move, told: string, { views, now }: At): Decision {
  const before = views.kernel.lifecycle.get();
  const { from, to, empty } = table[action];
  if (!from.includes(before.state)) throw fault.transition(`${action} in ${before.state}`);
  const left = empty ? Object.entries(outstandingOf(views)) : [];
  if (left.length > 0) throw fault.outstanding(left.map(([what, count]) => `${what}=${count}`).join(" "));
  const reason = told === "" ? action : told;
  return {
    events: [
      { type: "kernel:lifecycle@1", data: { ...before, state: to, reason, since: now } },
      emit("changed@1", { action, old: before.state, new: to, reason }),
    ],
    result: { old: before.state, new: to },
  };
}

/** Decides one line of `/queen/lifecycle/ctl`. */
export function decide(command: LifecycleCommand, at: At): Decision {
  if (at.caller.role !== "queen") throw fault.role(at.caller.role);
  if (command.action === "cut") return { events: [emit("cut@1", { cause: command.cause })] };
  if (command.action !== "restore") return move(command.action, command.reason, at);
  const standing = at.state.cut.get().causes.filter((cause) => cause !== "lifecycle_offline");
  const ended = standing.filter((cause) => command.cause === undefined || cause === command.cause);
  if (ended.length === 0) throw fault.notCut(command.cause);
  return { events: [emit("restored@1", { causes: ended })], result: { restored: ended } };
}
