import { createHash } from "node:crypto";
import { type History, known, type Tier, tierOf, trustedAfter } from "./history.ts";
import type { Determinism, MachineClass } from "./machine.ts";
import { majority } from "./vote.ts";

/** How many machines answer, and how many must agree. */
export type Rule = {
  readonly replicas: number;
  readonly quorum: number;
  /** Why so many, for the verdict. */
  readonly why: string;
};

/** Most replicas of one job: all their receipts fit one record. */
export const mostReplicas = 9;

const alone = (why: string): Rule => ({ replicas: 1, quorum: 1, why });

/** A draw from 0 up to 1 that follows from chance and what it is for. */
export function draw(chance: string, what: string): number {
  return createHash("sha256").update(chance).update("\0").update(what).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** How likely a trusted machine's work is replicated all the same: one in its streak, and never less than one in twenty. */
export function replicationRate(streak: number): number {
  return streak < trustedAfter ? 1 : Math.max(1 / streak, 0.05);
}

const audits: readonly number[] = [0.05, 0.03, 0.02, 0.01, 0.01];

/** The part of accepted results that is run again elsewhere; one's own machines are not audited. */
export function auditRate(machine: MachineClass, tier: Tier): number {
  return machine === "owned" ? 0 : (audits[tier] ?? 0.05);
}

/** The part of cheats that is caught within so many jobs. */
export function detection(rate: number, jobs: number): number {
  return 1 - (1 - rate) ** jobs;
}

/** How likely a majority of three is hostile where such a part of all machines is. */
export function collusion(hostile: number): number {
  return 3 * hostile ** 2 * (1 - hostile) + hostile ** 3;
}

/** What the job itself asks for. */
export interface Asked {
  readonly replicas?: number | undefined;
  readonly quorum?: number | undefined;
}

/** The rule that a job asks for; undefined where it leaves that to policy. */
export function askedRule({ replicas, quorum }: Asked): Rule | undefined {
  if (replicas === undefined && quorum === undefined) return undefined;
  const count = replicas ?? Math.max(1, 2 * ((quorum ?? 1) - 1) + 1);
  return { replicas: count, quorum: quorum ?? majority(count), why: "asked for" };
}

/**
 * The rule for a job that asks for none, on a machine of this class: alone on machines whose owner is known and where
 * answers may differ; strangers by tier, and alone only when trusted and the draw says so.
 */
export function ruleFor(at: {
  readonly machine: MachineClass;
  readonly class: Determinism;
  readonly history: History | undefined;
  readonly now: number;
  /** 0 to 1, from chance. */
  readonly draw: number;
}): Rule {
  const { machine, class: of, history, now } = at;
  if (known(machine)) return alone(`${machine} machine`);
  const tier = history ? tierOf(history, now) : 0;
  if (tier >= 3) return alone(`volunteer with proved hardware, tier ${tier}`);
  const streak = history?.streak[of] ?? 0;
  if (of === "pure" && at.draw >= replicationRate(streak))
    return alone(`volunteer, ${streak} valid answers in a row`);
  return tier === 0
    ? { replicas: 5, quorum: 3, why: "volunteer, tier 0" }
    : { replicas: 3, quorum: 2, why: `volunteer, tier ${tier}` };
}
