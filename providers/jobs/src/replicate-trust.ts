import type { Build, Json, Node, Scene } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import {
  auditRate,
  type History,
  newcomer,
  recentFailures,
  replicationRate,
  score,
  tierOf,
} from "@skep/trust";
import { z } from "zod";
import { emit } from "./events.ts";
import { fault } from "./faults.ts";
import type { Jobs } from "./model.ts";
import { isAway } from "./replicate-place.ts";
import { standingOf } from "./replicate-model.ts";
import type { Uses } from "./uses.ts";

type At = Scene<Jobs, Uses>;

const day = 86_400_000;

/** Lines of `/worker/<id>/standing`. */
const TrustCommand = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("quarantine"),
      reason: z.string().min(1).max(200),
      /** How long; until it is released where left out. */
      ttl_ms: z
        .int()
        .min(1000)
        .max(365 * day)
        .optional(),
    }),
    z.strictObject({ op: z.literal("release") }),
  ])
  .meta({ id: "TrustCommand" });

function values(id: string, { state, now }: Pick<At, "state" | "now">): Record<string, Json> {
  const history: History = state.histories.get(id) ?? newcomer(now);
  const standing = standingOf(state, id);
  const tier = tierOf(history, now);
  const { valid, invalid, streak, seen, attested, quarantine, times, last, since } = history;
  return {
    worker: id,
    state: quarantine ? "quarantined" : "trusted",
    class: standing.class,
    owner: standing.owner,
    tier: `T${tier}`,
    score: score(history, now).toFixed(3),
    valid,
    invalid,
    streak_pure: streak.pure,
    streak_loose: streak.loose,
    recent_failures: `${recentFailures(history)}/${seen}`,
    replicated: (standing.class === "volunteer" ? replicationRate(streak.pure) : 0).toFixed(3),
    audited: auditRate(standing.class, tier).toFixed(3),
    attested,
    since_ms: since,
    quarantines: times,
    reason: quarantine?.reason ?? last?.fate ?? "",
    by: quarantine?.by ?? "",
    until_ms: quarantine?.until ?? 0,
    last_job: last?.job ?? "",
  };
}

function textOf(told: Record<string, Json>): string {
  return Object.entries(told)
    .map(([name, value]) => `${name}=${escapeForeign(String(value), { form: "wire" })}\n`)
    .join("");
}

/** `/worker/<id>/{trust,standing}`: what a worker's answers were worth, and how it is put away and let back. */
export function trustNodes(t: Build<Jobs, Uses>): Record<string, Node> {
  const idOf = ({ params }: At): string => params.id ?? "";
  return {
    "/worker/:id/trust": t.text("How far its answers are believed, one value a line", {
      render: (scene) => textOf(values(idOf(scene), scene)),
      json: (scene) => values(idOf(scene), scene),
    }),
    "/worker/:id/standing": t.control("Put a worker away, or let it back; one JSON object per line", {
      input: TrustCommand,
      right: "trust",
      undo: "compensable",
      acts: {
        quarantine: {
          class: "compensable",
          compensation: "Release it: what it was trusted with before is lost",
        },
        release: { class: "compensable", compensation: "Quarantine it again" },
      },
      visible: ({ caller }) => caller.role === "queen",
      examples: ['{"op":"quarantine","reason":"bad memory"}', '{"op":"release"}'],
      decide: (command, { state, params, caller, now }) => {
        const worker = params.id ?? "";
        const by = caller.subject;
        if (command.op === "release") {
          if (!isAway(state, worker)) throw fault.away(worker);
          return { events: [emit("released@1", { workers: [worker], by })] };
        }
        const until = command.ttl_ms === undefined ? 0 : now + command.ttl_ms;
        return { events: [emit("quarantined@1", { worker, reason: command.reason, by, until })] };
      },
    }),
  };
}
