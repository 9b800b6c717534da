import { escapeForeign, formatTime } from "@skep/text";
import type { Json } from "@skep/kernel";
import { heldBy, isBarred } from "./bans.ts";
import { isEnded, type Job, type Jobs } from "./model.ts";
import { fits, lacking, type Machine, type Machines, machineOf } from "./place.ts";
import { isApart, isAway, isFitForClass } from "./replicate-place.ts";

/** What tells why a job waits. */
export interface At {
  readonly state: Jobs;
  readonly views: Machines;
  readonly now: number;
}

// A worker tells reason and message: neither steers a terminal nor makes a line of its own.
export const clean = (value: Json): string => escapeForeign(String(value), { form: "wire" });

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Machines that answer a job, or have answered it and are not asked again. */
function seatedIn({ ballots }: Jobs, { id, leases }: Job): string[] {
  const seats = ballots.get(id)?.seats ?? [];
  return [...new Set([...leases, ...seats].map(({ worker }) => worker))];
}

function needsWait({ needs }: Job, { jobs }: Jobs): string {
  const [need = "", ...others] = needs;
  const found = jobs.get(need);
  const is = found ? ` (${found.state})` : "";
  return `job ${need}${is}${others.length > 0 ? ` and ${others.length} more` : ""} must end well first`;
}

function absent({ bans }: Jobs): string {
  return bans.size > 0
    ? "no worker is present that is not frozen or drained; `skep bans` lists what is"
    : "no worker is present; start one with `skep worker`";
}

/** Why none of these gets one answer more to a job that some answer already. */
function others(job: Job, seated: readonly string[], machines: readonly Machine[], at: At): string {
  const { state, views } = at;
  const wanted = state.ballots.get(job.id)?.rule.replicas ?? job.want;
  const which = `answer ${seated.length + 1} of ${Math.max(wanted, seated.length + 1)}`;
  const left = machines.filter(({ id }) => !seated.includes(id));
  if (left.length === 0) return `${which} needs one machine more: all that may have it answer already`;
  const free = left.filter(({ id }) => isApart(state, id, seated));
  const owners = new Set(seated.map((id) => machineOf(state, views, id).owner));
  if (free.length > 0) return `${which}: ${busy(job, free, at)}`;
  if (left.every(({ owner }) => owners.has(owner)))
    return `${which} needs a machine of another owner: what is left (${many(left.length, "machine")}) is of owners who answer already`;
  return `${which} needs a machine elsewhere: those left count as one with a machine that answers already`;
}

/** Why a job waits, or what it runs without; empty where nothing is missing. */
export function waitOf(job: Job, at: At): string {
  const { state, views } = at;
  const seated = seatedIn(state, job);
  if (isEnded(job.state) || (job.state === "running" && job.leases.length >= job.want)) return "";
  if (job.needs.length > 0) return needsWait(job, state);
  if (state.halted.get()) return "the hive drains or stands still; what waits goes on after `resume`";
  const held = heldBy(state, job);
  if (held)
    return `held by ban ${held.ban} of ${clean(held.by)} on ${clean(held.target)} until ${formatTime(held.until)}: ${clean(held.reason)}`;
  const present = [...state.capacity.entries()]
    .filter(([id, { present: there }]) => there && !isBarred(state, id))
    .map(([id]) => id);
  if (present.length === 0) return absent(state);
  const machines = present.map((id) => machineOf(state, views, id));
  const lacks = lacking(job, machines);
  if (lacks !== undefined) return lacks;
  const fitting = machines.filter((machine) => fits(job, machine) && isFitForClass(state, job, machine.id));
  if (fitting.length === 0) return "no machine that may have loose work (only pure work goes to volunteers)";
  const believed = fitting.filter(({ id }) => !isAway(state, id));
  if (believed.length === 0)
    return `${many(fitting.length, "machine")} that may have it ${fitting.length === 1 ? "is" : "are"} in quarantine; /worker/<id>/trust tells why`;
  return seated.length > 0 && (job.want > 1 || state.ballots.has(job.id))
    ? others(job, seated, believed, at)
    : busy(job, believed, at);
}

/** What the owners of machines that gave a job back say of such work. */
function declined({ run }: Job, ids: readonly string[], { views }: At): string {
  const class_ = run.class ?? "general";
  for (const id of ids) {
    const rule = views.workers.rule?.(id, "refuse.classes");
    if (rule?.includes(JSON.stringify(class_)))
      return `the owner of ${id} refuses work of class ${clean(class_)}`;
    if (views.workers.rule?.(id, "refuse.kinds")?.includes(JSON.stringify(run.kind)))
      return `the owner of ${id} refuses ${run.kind} jobs`;
  }
  const all = ids.length === 1 ? "the only machine" : `all ${ids.length} machines`;
  return `the owners of ${all} that may have it gave it back; it is offered again soon`;
}

function busy(job: Job, machines: readonly Machine[], at: At): string {
  const { capacity } = at.state;
  const all = machines.length === 1 ? "the only machine" : `all ${machines.length} machines`;
  const lent = machines.filter(({ id }) => capacity.get(id)?.paused !== true);
  if (lent.length === 0)
    return `the owners of ${all} that may have it need them; \`skep nodes\` and /worker/<id>/owner tell why`;
  const refused = new Set(job.declined.filter(({ until }) => until > at.now).map(({ worker }) => worker));
  const taking = lent.filter(({ id }) => !refused.has(id));
  if (taking.length === 0)
    return declined(
      job,
      lent.map(({ id }) => id),
      at,
    );
  const free = taking.filter(({ id }) => {
    const { used = 0, slots: own = 0 } = capacity.get(id) ?? {};
    return used < own;
  });
  if (free.length > 0) return `${many(free.length, "free machine")} may have it: it is about to be leased`;
  const slots = taking.reduce((sum, { id }) => sum + (capacity.get(id)?.slots ?? 0), 0);
  return `all ${many(slots, "slot")} of ${many(taking.length, "worker")} that may have it are busy`;
}
