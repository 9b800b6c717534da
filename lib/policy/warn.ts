import type { Describe } from "./cases.ts";
import type { Problem } from "./positions.ts";
import type { PolicyRequest } from "./request.ts";
import type { Decided, PolicySet } from "./set.ts";

const hour = 3_600_000;
/** A week, hour by hour. */
const hours = 7 * 24;

/** What a hive is of little use without. */
const needed = [
  {
    what: "machines that join with an invitation",
    subject: "invite/0000000000000000",
    role: "invitation",
    path: "/net/join",
    act: "redeem",
    cure: 'except it: unless { principal in Role::"invitation" }',
  },
  ...(["apply", "rollback", "signers"] as const).map((act) => ({
    what: `the owner from changing the rules (${act})`,
    subject: "owner",
    role: "queen",
    path: "/policy/ctl",
    act,
    cure: 'except it: unless { resource == Path::"/policy/ctl" }',
  })),
] as const;

type Shut = { readonly by: string; readonly times: number[] };

function add(shut: Map<string, Shut>, { rules }: Decided, at: number): void {
  for (const by of rules.length > 0 ? rules : [""]) {
    const known = shut.get(by) ?? { by, times: [] };
    known.times.push(at);
    shut.set(by, known);
  }
}

function when(times: readonly number[]): string {
  if (times.length === hours) return "";
  const of = [...new Set(times.map((at) => Math.floor(at / hour) % 24))].sort((one, other) => one - other);
  return of.length === 24 ? " on some days" : ` at hours ${of.join(", ")} UTC`;
}

/**
 * What a set shuts out that a hive needs, at some hour of the week that begins at `now` (milliseconds): joining machines,
 * and the owner from the rules. It may be meant so; the set can be used all the same.
 */
export function warningsOf(set: PolicySet, describe: Describe, now: number): Problem[] {
  const found: Problem[] = [];
  for (const { what, cure, ...who } of needed) {
    const shut = new Map<string, Shut>();
    for (let at = 0; at < hours; at += 1) {
      const time = now + at * hour;
      const { path, act } = who;
      const request: PolicyRequest = { ...who, ...describe(path, act), now: time, lifecycle: "ONLINE" };
      const decided = set.decide(request);
      if (decided.decision === "deny") add(shut, decided, time);
    }
    for (const { by, times } of shut.values()) {
      const { file = [...set.policies.values()][0]?.file ?? "", line = 1 } = set.policies.get(by) ?? {};
      const why = by === "" ? "no policy permits them" : `${by} forbids it`;
      found.push({ file, line, column: 1, message: `shuts out ${what}${when(times)}: ${why}`, cure });
    }
  }
  return found;
}
