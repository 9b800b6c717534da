import { faults } from "@skep/fault";
import type { Deciding, Decision, EffectCall, Emitted, Json, KernelSlice } from "@skep/kernel";
import { z } from "zod";
import { emit, type Entry, mostEntries, type Schedule } from "./state.ts";
import { minutesOf, openFrom } from "./window.ts";

const fault = faults("schedule", {
  role: ["denied", "Cannot schedule work with this role", { detail: "denied" }],
  there: ["conflict", "Cannot add: there is one of that id", { cure: "Remove it first" }],
  absent: ["absent", "Cannot find entry", { detail: "invalid-path" }],
  many: ["quota", "Cannot add another entry: the limit is reached", { detail: "buffer-full" }],
  job: ["invalid", "Cannot schedule what /jobs/ctl would not take", { detail: "invalid-payload" }],
  paused: ["conflict", "Cannot do this: it is so already"],
});

const id = z.string().regex(/^[\w.-]{1,64}$/);
const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);
const priority = z.int().min(0).max(255);

/** One line of `/queen/schedule/ctl`. */
export const Command = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("add"),
      id,
      /** A line for `/jobs/ctl` without its `op`. */
      job: z.record(z.string(), z.unknown()),
      /** When first, milliseconds since 1970; at once where left out. */
      at_ms: z.int().min(0).optional(),
      every_s: z
        .int()
        .min(1)
        .max(366 * 86_400)
        .optional(),
      times: z.int().min(1).max(1_000_000).optional(),
      /** Part of each day, UTC. */
      window: z.strictObject({ from: time, to: time }).optional(),
      priority: priority.default(0),
    }),
    z.strictObject({ op: z.literal("remove"), id }),
    z.strictObject({ op: z.literal("pause"), id }),
    z.strictObject({ op: z.literal("resume"), id }),
    z.strictObject({ op: z.literal("priority"), id, priority }),
  ])
  .meta({ id: "ScheduleCommand" });

/** A command that was checked. */
export type ScheduleCommand = z.output<typeof Command>;

/** Views of other slices. */
export interface Uses {
  readonly kernel: KernelSlice;
  readonly "outstanding-jobs": { counts(): Readonly<Record<string, number>> };
}

/** Says why `/jobs/ctl` would not take a job; undefined where it would. */
export type Misfit = (job: Json) => string | undefined;

type At = Deciding<Schedule, Uses>;

function add(command: Extract<ScheduleCommand, { op: "add" }>, { state, now }: At, misfit: Misfit): Decision {
  const { id: name, job, window: told, every_s } = command;
  if (state.entries.has(name)) throw fault.there(name);
  if (state.entries.size >= mostEntries) throw fault.many(mostEntries);
  const wrong = misfit(job as Json);
  if (wrong !== undefined) throw fault.job(wrong);
  const window = told ? { from: minutesOf(told.from), to: minutesOf(told.to) } : null;
  const due = openFrom(window, Math.max(now, command.at_ms ?? now));
  const left = command.times ?? (every_s === undefined ? 1 : null);
  const entry = { id: name, job: job as Json, priority: command.priority, every: (every_s ?? 0) * 1000 };
  return { events: [emit("added@1", { ...entry, window, left, due })], result: { due_ms: due } };
}

/** Decides one line of `/queen/schedule/ctl`. */
export function decide(command: ScheduleCommand, at: At, misfit: Misfit): Decision {
  if (at.caller.role !== "queen") throw fault.role(at.caller.role);
  if (command.op === "add") return add(command, at, misfit);
  const entry = at.state.entries.get(command.id);
  if (!entry) throw fault.absent(command.id);
  if (command.op === "remove") return { events: [emit("removed@1", { id: command.id })] };
  if (command.op === "priority")
    return { events: [emit("priority@1", { id: command.id, priority: command.priority })] };
  const paused = command.op === "pause";
  if (entry.paused === paused) throw fault.paused(command.id);
  return { events: [emit("paused@1", { id: command.id, paused })] };
}

const waits = ({ paused, left }: Entry): boolean => !paused && left !== 0;

/** When the first entry is due. */
export function nextDue({ entries }: Schedule): number | undefined {
  let first: number | undefined;
  for (const entry of entries.values())
    if (waits(entry) && (first === undefined || entry.due < first)) first = entry.due;
  return first;
}

/** Entries in the order in which they come: by their time, and of equal ones by their priority. */
export function inOrder({ entries }: Schedule): [string, Entry][] {
  return [...entries.entries()].sort(
    ([, one], [, other]) => one.due - other.due || other.priority - one.priority,
  );
}

/** Entries that one record submits at most. */
const mostFired = 32;
const working = new Set(["ONLINE", "DEGRADED"]);

/** Lets those go whose time has come: each is submitted once, and missed times are not made up for. */
export function fire({ state, views, now }: At): Decision | undefined {
  const { state: lifecycle, clock } = views.kernel.lifecycle.get();
  if (!working.has(lifecycle) || clock === "untrusted") return undefined;
  const due = inOrder(state)
    .filter(([, entry]) => waits(entry) && entry.due <= now)
    .slice(0, mostFired);
  if (due.length === 0) return undefined;
  const events: Emitted[] = [];
  const effects: EffectCall[] = [];
  for (const [name, entry] of due.toSorted(([, one], [, other]) => other.priority - one.priority)) {
    const left = entry.left === null ? null : entry.left - 1;
    const passed = entry.every === 0 ? 0 : Math.floor((now - entry.due) / entry.every) + 1;
    const next = openFrom(entry.window, entry.due + passed * entry.every);
    events.push(emit("fired@1", { id: name, due: next, left: entry.every === 0 ? 0 : left }));
    const { since, fired, job } = entry;
    effects.push({ kind: "submit", args: { id: name, since, n: fired + 1, job } });
  }
  return { events, effects };
}
