import { type Build, defineProvider, type Json, type Node, type Provider, type Scene } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { Command, decide, fire, inOrder, type Misfit, nextDue, type Uses } from "./decide.ts";
import { emit, type Entry, events, initial, type Schedule } from "./state.ts";
import { textOf } from "./window.ts";

/** What came of a line for `/jobs/ctl`: the job's id, or why there is none. */
export interface Submitted {
  readonly ok: boolean;
  readonly told: string;
}

/** What the app passes in. */
export interface ScheduleDeps {
  readonly misfit: Misfit;
  /** Submits a job to the one scheduler; the same key never makes a second one. */
  submit(job: Json, key: string): Promise<Submitted>;
}

type At = Scene<Schedule, Uses>;
type Args = { readonly id: string; readonly since: number; readonly n: number; readonly job: Json };

const lineOf = (row: Readonly<Record<string, unknown>>): string =>
  `${Object.entries(row)
    .map(([name, value]) => `${name}=${escapeForeign(String(value), { form: "wire" })}`)
    .join(" ")}\n`;

function rowOf(id: string, { due, priority, every, window, left, paused, fired, last }: Entry) {
  return {
    id,
    due_ms: due,
    priority,
    every_s: every / 1000,
    window: window ? `${textOf(window.from)}-${textOf(window.to)}` : "always",
    left: left ?? "ever",
    paused: paused ? "yes" : "no",
    fired,
    last: last === "" ? "none" : last,
  };
}

function summary({ state, views }: At): Record<string, number> {
  const entries = [...state.entries.values()];
  const next = nextDue(state);
  return {
    entries: entries.length,
    paused: entries.filter(({ paused }) => paused).length,
    next_ms: next ?? 0,
    ...state.counts.get(),
    ...views["outstanding-jobs"].counts(),
  };
}

function observed(t: Build<Schedule, Uses>): Node {
  const seen = ({ caller }: At): boolean => caller.role === "queen" || caller.role === "observer";
  return t.dir("What is submitted when", {
    summary: t.text("How many entries there are, when the next is due, and how many jobs are open", {
      visible: seen,
      render: (scene) => lineOf(summary(scene)),
      json: summary,
    }),
    queue: t.text("Entries in the order in which they come, one line each", {
      visible: seen,
      render: ({ state }) =>
        inOrder(state)
          .map(([id, entry]) => lineOf(rowOf(id, entry)))
          .join(""),
      json: ({ state }) => inOrder(state).map(([id, entry]) => ({ ...rowOf(id, entry), job: entry.job })),
    }),
  });
}

function control(t: Build<Schedule, Uses>, deps: ScheduleDeps): Node {
  return t.dir("Work that begins at its time", {
    ctl: t.control("Add, remove, pause, resume or reorder an entry; one JSON object per line", {
      input: Command,
      undo: "compensable",
      acts: {
        add: { class: "reversible", inverse: ({ id }) => ({ command: { op: "remove", id } as Json }) },
        remove: { class: "compensable", compensation: "Add it again" },
        pause: { class: "reversible", inverse: ({ id }) => ({ command: { op: "resume", id } as Json }) },
        resume: { class: "reversible", inverse: ({ id }) => ({ command: { op: "pause", id } as Json }) },
        priority: {
          class: "reversible",
          inverse: ({ id }, { state }) => ({
            command: { op: "priority", id, priority: state.entries.get(id)?.priority ?? 0 } as Json,
          }),
        },
      },
      work: ({ op }) => op === "add",
      examples: [
        '{"op":"add","id":"nightly","job":{"run":{"kind":"task","name":"add"}},"every_s":86400,"window":{"from":"22:00","to":"06:00"},"priority":5}',
        '{"op":"pause","id":"nightly"}',
        '{"op":"remove","id":"nightly"}',
      ],
      decide: (command, at) => decide(command, at, (job) => deps.misfit(job)),
    }),
  });
}

/** `/queen/schedule/ctl` and `/proc/schedule`: work that is submitted at its time; the jobs themselves are scheduled by jobs. */
export function scheduleProvider(deps: ScheduleDeps): Provider {
  return defineProvider<Schedule, Uses>({
    name: "schedule",
    doc: "Work that begins at its time",
    uses: ["kernel", "outstanding-jobs"],
    initial,
    events,
    effects: {
      submit: {
        recover: "retry",
        run: async ({ id, since, n, job }: Args) => {
          const { ok, told } = await deps.submit(job, `schedule:${id}:${since}:${n}`);
          return { ok, told };
        },
      },
    },
    outcome: (_kind, args, result) => {
      const { id, since } = args as Args;
      const { ok } = result as { readonly ok?: Submitted };
      const last = ok?.told ?? "failed";
      return { events: [emit("told@1", { id, since, ok: ok?.ok === true, last })] };
    },
    tick: { next: nextDue, decide: fire },
    notify: {
      "told@1": ({ id, ok, last }: { id: string; ok: boolean; last: string }, _meta, runtime) =>
        runtime.log(
          `schedule ${ok ? "submitted" : "refused"} id=${id} ${ok ? "job" : "reason"}=${escapeForeign(last, { form: "wire" })}`,
        ),
    },
    mounts: (t) => ({ "/queen/schedule": control(t, deps), "/proc/schedule": observed(t) }),
  });
}
