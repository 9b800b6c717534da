import { faults } from "@skep/fault";
import type { Deciding, Decision } from "@skep/kernel";
import { type BanCommand, type ContainCommand, targetOf } from "./command.ts";
import { endsBy } from "./refusal.ts";
import { type Containment, emit, mostBans } from "./state.ts";

const fault = faults("contain", {
  self: ["conflict", "Cannot ban oneself, or the owner of the hive"],
  stands: ["conflict", "Cannot ban what is banned", { cure: "Lift that first: `skep unban ID`" }],
  past: ["invalid", "Cannot ban until a time that is past"],
  far: ["invalid", "Cannot ban for longer than a year"],
  both: ["invalid", "Cannot take for_s and until together"],
  unknown: ["absent", "Cannot lift: no such ban stands", { cure: "`skep bans` lists those that stand" }],
  full: ["quota", "Cannot ban more than 1,024 things at once", { cure: "Lift some: `skep bans`" }],
});

const day = 86_400_000;
const year = 365 * day;

export type At = Deciding<Containment>;

function endOf({ for_s, until }: BanCommand, now: number): number {
  if (for_s !== undefined && until !== undefined) throw fault.both();
  const end = until ?? now + (for_s === undefined ? day : for_s * 1000);
  if (end <= now) throw fault.past();
  if (end > now + year) throw fault.far();
  return end;
}

/** Those whose ban would leave nobody who can take it back. */
function isSelf(target: string, { subject, blocks }: At["caller"]): boolean {
  return (
    ["owner", "system"].some((name) => target === `subject:${name}`) || endsBy(target, { subject, blocks })
  );
}

/** Decides one line of `/policy/contain`. */
export function decide(command: ContainCommand, { state, caller, now, next }: At): Decision {
  if (command.op === "lift") {
    if (!state.bans.has(command.ban)) throw fault.unknown(command.ban);
    return { events: [emit("lifted@1", { bans: [command.ban], why: "lifted" })] };
  }
  const target = targetOf(command);
  const until = endOf(command, now);
  if (isSelf(target, caller)) throw fault.self(target);
  const standing = state.targets.get(target);
  if (standing !== undefined) throw fault.stands(`${target}, ban ${standing}`);
  if (state.bans.size >= mostBans) throw fault.full();
  const ban = String(next);
  const { op, reason } = command;
  return { events: [emit("banned@1", { ban, op, target, reason, until })], result: { ban, target, until } };
}

/** When the next ban ends. */
export function nextEnd({ bans }: Containment): number | undefined {
  let first: number | undefined;
  for (const { until } of bans.values()) if (first === undefined || until < first) first = until;
  return first;
}

/** Ends those whose time is over. */
export function expire({ state, now }: At): Decision | undefined {
  const over = [...state.bans.entries()].filter(([, { until }]) => until <= now).map(([id]) => id);
  return over.length === 0 ? undefined : { events: [emit("lifted@1", { bans: over, why: "expired" })] };
}
