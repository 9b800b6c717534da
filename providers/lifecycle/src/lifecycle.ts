import {
  type Build,
  defineProvider,
  type JournalRecord,
  type Node,
  type Provider,
  type Runtime,
  type Scene,
} from "@skep/kernel";
import { Command, parseLine } from "./command.ts";
import { decide, type Uses } from "./decide.ts";
import { type Cause, cutBy, events, initial, type Root } from "./state.ts";

/** Whether workers have authority: asked at the door. */
export interface RootView {
  /** The strongest reason why they have none; undefined while they do. */
  cutBy(): string | undefined;
}

/** What the app passes in. */
export interface LifecycleDeps {
  /** Role of a session that is attached. */
  role(session: string): string | undefined;
  /** Names of further views `outstanding-…`, whose things must be over before the hive stands still. */
  readonly outstanding: readonly `outstanding-${string}`[];
}

type At = Scene<Root, Uses>;

const control = "/queen/lifecycle/ctl";
const denials: Readonly<Record<string, string>> = {
  "lifecycle.transition": "invalid-transition",
  "lifecycle.outstanding": "outstanding-leases",
  "lifecycle.notCut": "invalid-transition",
  "gate.schema": "invalid-command",
  "gate.draining": "gate-denied",
};

/** What a refusal says of the lifecycle; undefined where it was for something else. */
function denied({ path, verdict, command }: JournalRecord, state: string): string | undefined {
  const reason = verdict.ok ? undefined : denials[verdict.code ?? ""];
  if (reason === undefined || (path !== control && reason !== "gate-denied")) return undefined;
  const action = path === control ? (command as { action?: unknown } | null)?.action : path;
  return `action=${String(action ?? "none")} state=${state} reason=${reason}`;
}

/** Whoever works for the hive loses its session, and has to come again once the root is there. */
function loseAuthority(runtime: Runtime, deps: LifecycleDeps, cause: string): void {
  const ended = runtime.closeSessions(({ id }) => isWorker(deps.role(id) ?? ""));
  runtime.log(`root cut reason=${cause} sessions=${ended}`);
}

/** Roles whose authority ends at a cut. */
export function isWorker(role: string): boolean {
  return role === "worker" || role.startsWith("worker-");
}

function rootNodes(t: Build<Root, Uses>): Node {
  const pair = (doc: string, name: string, of: (scene: At) => string | number): Node =>
    t.text(doc, {
      render: (scene) => `${name}=${of(scene)}\n`,
      json: (scene) => ({ [name]: of(scene) }),
    });
  return t.dir("Whether workers have authority here", {
    reachable: pair("yes, or no while they have none", "reachable", ({ state }) =>
      cutBy(state) === undefined ? "yes" : "no",
    ),
    last_seen_ms: pair(
      "When they last had it, milliseconds since 1970",
      "last_seen_ms",
      ({ state, now }) => state.cut.get().since || now,
    ),
    cut_reason: pair(
      "Why they have none: lifecycle_offline, session_revoked, policy_denied or network_unreachable, the strongest first",
      "cut_reason",
      ({ state }) => cutBy(state) ?? "none",
    ),
  });
}

function controlNode(t: Build<Root, Uses>): Node {
  return t.control(
    "Change the state of the hive: cordon, drain, resume, quiesce or reset, with a reason; cut CAUSE and restore take and give workers' authority",
    {
      input: Command,
      parse: parseLine,
      undo: "compensable",
      act: ({ action }) => action,
      acts: {
        cordon: { class: "compensable", compensation: "Resume the hive" },
        drain: { class: "compensable", compensation: "Resume the hive" },
        quiesce: { class: "compensable", compensation: "Resume the hive" },
        reset: { class: "compensable", compensation: "Resume the hive" },
        resume: { class: "compensable", compensation: "Cordon the hive" },
        cut: { class: "compensable", compensation: "Restore authority; workers attach again by themselves" },
        restore: { class: "compensable", compensation: "Cut it again, with its cause" },
      },
      // On a full disk it is part of the cure.
      outcome: true,
      examples: ["cordon", "drain", "resume", "cut policy_denied", "restore"],
      decide,
    },
  );
}

/** `/queen/lifecycle/ctl` and `/proc/root`: states of the hive, and whether workers have authority. */
export function lifecycleProvider(deps: LifecycleDeps): Provider {
  // What is told again at start was said in the log of an earlier life.
  let present: string | undefined;
  return defineProvider<Root, Uses>({
    name: "lifecycle",
    doc: "States of the hive and how they are changed",
    uses: ["kernel", "spawned", ...deps.outstanding],
    initial,
    events,
    offers: { root: (state): RootView => ({ cutBy: () => cutBy(state) }) },
    notify: {
      "changed@1": (told: { old: string; new: string; reason: string }, _meta, runtime) => {
        runtime.log(`lifecycle transition old=${told.old} new=${told.new} reason=${told.reason}`);
      },
      "kernel:lifecycle@1": (data: { state: string }, _meta, runtime, state) => {
        present = data.state;
        if (cutBy(state) === "lifecycle_offline") loseAuthority(runtime, deps, "lifecycle_offline");
      },
      "cut@1": ({ cause }: { cause: Cause }, _meta, runtime) => loseAuthority(runtime, deps, cause),
      "restored@1": ({ causes }: { causes: readonly Cause[] }, _meta, runtime) =>
        runtime.log(`root restored reason=${causes.join(",")}`),
    },
    recorded: (record, runtime) => {
      const refused = present && denied(record, present);
      if (refused) runtime.log(`lifecycle denied ${refused}`);
    },
    mounts: (t) => ({ [control]: controlNode(t), "/proc/root": rootNodes(t) }),
  });
}
