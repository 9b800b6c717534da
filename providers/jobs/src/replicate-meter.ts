import type { Emitted } from "@skep/kernel";
import { isAnswer } from "@skep/trust";
import type { End, Job } from "./model.ts";
import { emit } from "./events.ts";
import type { Audits, Standing } from "./replicate-model.ts";

/** Who is paid, for so long and so much memory. */
export type Paid = readonly { readonly account: string; readonly ms: number; readonly bytes: number }[];

/** The operator of the hive; machines of class owned work for that account. */
const operator = "owner";

/** The account that a machine works for. */
export function accountOf({ class: of, owner }: Standing): string {
  return of === "owned" ? operator : owner;
}

const microOfSlotHour = 100_000;
const hour = 3_600_000;
const slotBytes = 1024 ** 3;

/** Millionths of an NCU: time times the resource of which it had most; a slot is a machine of caliber C1. */
export function micro({ ms, bytes }: { readonly ms: number; readonly bytes: number }): number {
  const parts = 1024;
  const share = Math.max(parts, Math.ceil((bytes * parts) / slotBytes));
  return Math.max(1, Math.ceil((Math.max(0, ms) * share * microOfSlotHour) / (parts * hour)));
}

/** What work came to, once its verdict stands. What an owner's machine does for that owner is not counted. */
export function meteredOf(job: Job, paid: Paid): Emitted[] {
  const others = paid.filter(({ account }) => account !== job.owner);
  if (others.length === 0) return [];
  const sides = others.map(({ account, ...used }) => ({ account, micro: micro(used) }));
  return [emit("metered@1", { job: job.id, payer: job.owner, paid: sides })];
}

/** What was paid by an event that `meteredOf` gave. */
export function paidIn([metered]: readonly Emitted[]): Audits["paid"] {
  return (metered?.data as { paid?: Audits["paid"] } | undefined)?.paid ?? [];
}

/** The same of a job that one machine did. */
export function meteredAlone(job: Job, standing: Standing, end: End, ms: number): Emitted[] {
  if (!isAnswer(end.reason)) return [];
  return meteredOf(job, [{ account: accountOf(standing), ms, bytes: end.peakBytes }]);
}
