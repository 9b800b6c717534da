import { type Cell, defineProvider, emitter, type Json, type Provider, type Scope } from "@skep/kernel";
import { faults } from "@skep/fault";
import { z } from "zod";

const fault = faults("replay", {
  ahead: ["invalid", "Cannot replay from a record that is still to come", { detail: "invalid-payload" }],
  window: [
    "invalid",
    "Cannot replay from outside of the window",
    { cure: "Replay more with `skep audit replay --from SEQ`", detail: "invalid-payload" },
  ],
});

/** What a replay came to, in a thread of its own. */
export interface ReplayTold {
  /** Controls of queen and hosts in the range. */
  readonly entries: number;
  /** FNV-1a-64 over what their clients were told, 16 hex digits. */
  readonly sequence: string;
  /** The first record that came to something else, and in what. */
  readonly difference?: { readonly seq: number; readonly what: string };
}

/** Whether commands are judged again, and how far back; both may change while the hive runs. */
export interface Replays {
  /** False leaves `/replay` out of the tree; what was replayed before stays in state. */
  readonly enabled: boolean;
  /** How many records back a replay may begin. */
  readonly window: number;
}

/** What the app passes in. */
export interface ReplayDeps {
  /** Judges the records from one to another (exclusive) again. */
  readonly replay: (from: number, to: number) => Promise<ReplayTold>;
  readonly replays: Replays;
}

type Status = {
  readonly state: "idle" | "running" | "ok" | "differs" | "failed";
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly entries: number;
  readonly match: boolean;
  readonly sequence: string;
  readonly why: string;
};

interface Slice {
  readonly status: Cell<Status>;
}

const idle: Status = { state: "idle", from: 0, to: 0, entries: 0, match: false, sequence: "", why: "" };

const events = {
  "began@1": ({ status }: Slice, { from, to }: { from: number; to: number }) =>
    status.set({ ...idle, state: "running", from, to }),
  "ended@1": ({ status }: Slice, data: Omit<Status, "from" | "to">) =>
    status.set({ ...status.get(), ...data }),
} as const;

const emit = emitter(events);

const ReplayCommand = z
  .strictObject({ from: z.int().min(0).describe("The record to begin with") })
  .meta({ id: "ReplayCommand" });

function endOf(result: Json): Omit<Status, "from" | "to"> {
  const { ok, failed } = result as {
    readonly ok?: ReplayTold;
    readonly failed?: { readonly code: string; readonly message: string };
  };
  if (!ok) return { ...idle, state: "failed", why: failed ? `${failed.code}: ${failed.message}` : "unknown" };
  const { entries, sequence, difference } = ok;
  const match = difference === undefined;
  const why = difference ? `record ${difference.seq}: ${difference.what}` : "";
  return { state: match ? "ok" : "differs", entries, match, sequence, why };
}

function statusJson({ state, from, to, entries, match, sequence, why }: Status): Json {
  const told = { state, from, to, entries, match, sequence_fnv1a: sequence };
  return why === "" ? told : { ...told, error: why };
}

/** `/replay`: recorded commands judged again by a fresh kernel, as the original's clients ask for it. */
export function replayProvider({ replay, replays }: ReplayDeps): Provider {
  return defineProvider<Slice>({
    name: "replay",
    doc: "Recorded commands judged again",
    initial: (scope: Scope) => ({ status: scope.cell<Status>("status", idle) }),
    events,
    touches: { "began@1": () => "/replay/status", "ended@1": () => "/replay/status" },
    effects: {
      judge: {
        recover: "retry",
        run: async ({ from, to }: { from: number; to: number }) =>
          (await replay(from, to)) as unknown as Json,
      },
    },
    outcome: (_kind, _args, result) => ({ events: [emit("ended@1", endOf(result))] }),
    mounts: (t) => ({
      ...(replays.enabled && {
        "/replay": t.dir("Recorded commands judged again", {
          ctl: t.control("Judge again from a record up to now; one JSON object per line", {
            input: ReplayCommand,
            undo: "compensable",
            act: () => "replay",
            acts: {
              replay: {
                class: "compensable",
                compensation: "Nothing is to be set right: only /replay/status changes",
              },
            },
            examples: ['{"from":1}'],
            decide: ({ from }, { next }) => {
              if (from >= next) throw fault.ahead(from);
              const { window } = replays;
              if (next - from > window) throw fault.window(`${from}, the window begins at ${next - window}`);
              return {
                events: [emit("began@1", { from, to: next })],
                effects: [{ kind: "judge", args: { from, to: next } }],
                result: { from, to: next },
              };
            },
          }),
          status: t.text("What the last replay came to, as JSON", {
            render: ({ state }) => `${JSON.stringify(statusJson(state.status.get()))}\n`,
          }),
        }),
      }),
    }),
  });
}
