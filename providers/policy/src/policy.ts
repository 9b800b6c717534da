import {
  type Build,
  type Decision,
  defineProvider,
  type JournalRecord,
  type Json,
  type Node,
  type Provider,
  type Scene,
  type TreeActs,
} from "@skep/kernel";
import { type Policy, schemaText } from "@skep/policy";
import { cborOf } from "./cbor.ts";
import { type At, decideChange, forgotten, nextForgotten, textsOf, type Uses, wayOf } from "./change.ts";
import { PolicyCommand, QueueCommand } from "./command.ts";
import { Engine } from "./engine.ts";
import { type GovernedView, retentionBack, retentionJson, retentionText } from "./governed.ts";
import { keysJson, keysText } from "./keys.ts";
import { emit, ended, events, initial, type PolicySlice } from "./model.ts";
import type { Checker } from "./prepared.ts";
import { decideQueue, expired, nextExpiry, type QueueLimits } from "./queue.ts";
import {
  differenceJson,
  differenceText,
  requestJson,
  requestText,
  rulesJson,
  rulesText,
  statusJson,
  statusText,
} from "./render.ts";
import { type MandatesView, mandateOf } from "./mandate.ts";
import { touches } from "./touches.ts";
import { undoJson } from "./undo.ts";

/** What the app passes in. */
export interface PolicyDeps {
  /** What the controls of the tree do; asked for once the tree is there. */
  readonly acts: () => TreeActs;
  /** A record of the journal. */
  readonly record: (seq: number) => Promise<JournalRecord>;
  readonly limits: QueueLimits;
  /** The chain of records behind a record's number or an encoded path; where nothing tells it no action has a `why`. */
  readonly chain?: {
    /** For people. */
    lines(name: string): Promise<string>;
    /** For programs, with proofs. */
    whole(name: string): Promise<Json>;
  };
  /** Checks sets apart from the loop; where there is none they are checked as they are judged. */
  readonly checker?: Checker;
}

type Builder = Build<PolicySlice, Uses>;
type Seen = Scene<PolicySlice, Uses>;

/** Ended actions and queue entries that `/actions` lists besides those that are open. */
const listed = 32;

class Parts {
  readonly #deps: PolicyDeps;
  readonly #engines = new WeakMap<PolicySlice, Engine>();

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
  }

  engine(slice: PolicySlice): Engine {
    const known =
      this.#engines.get(slice) ?? new Engine(slice, this.#deps.limits.grace ?? 0, this.#deps.checker);
    this.#engines.set(slice, known);
    return known;
  }

  #policies({ state }: Seen): Iterable<Policy> {
    return this.engine(state).set?.policies.values() ?? [];
  }

  #version({ state }: Seen): number {
    return state.force.get()?.version ?? 0;
  }

  #preflight(t: Builder): Node {
    return t.dir("What would be asked for, before anything is done", {
      req: t.text("What lies in the queue", { render: ({ state }) => requestText(state) }),
      "req.cbor": t.text("The same as CBOR", { render: ({ state }) => cborOf(requestJson(state)) }),
      diff: t.text("What rules ask for, against what lies in the queue", {
        render: (scene) => differenceText(scene.state, this.#policies(scene)),
      }),
      "diff.cbor": t.text("The same as CBOR", {
        render: (scene) => cborOf(differenceJson(scene.state, this.#policies(scene))),
      }),
    });
  }

  #control(t: Builder): Node {
    const acts = this.#deps.acts;
    const version = ({ state }: At): number => state.force.get()?.version ?? 0;
    const undone = (_command: unknown, at: At): { command: Json } => ({
      command: { op: "rollback", version: version(at) },
    });
    return t.control(
      "Put policies in force, roll back, say who may sign, who cosigns, what is kept; one JSON object per line",
      {
        input: PolicyCommand,
        right: "govern",
        undo: "reversible",
        acts: {
          stage: {
            class: "compensable",
            compensation: "Stage it again from 0, or leave it: it is forgotten after a day",
          },
          apply: { class: "reversible", inverse: undone, target: (_command, at) => version(at) },
          rollback: { class: "reversible", inverse: undone, target: (_command, at) => version(at) },
          signers: {
            class: "compensable",
            compensation: "Enrol the former signers again: they stand in the journal",
            target: (_command, { state }) => state.signers.get()?.version ?? 0,
          },
          retention: {
            class: "reversible",
            inverse: (command, { state }) => ({ command: retentionBack(state, command as never) }),
            target: (_command, { state }) => state.retention.get()?.seq ?? 0,
          },
          witnesses: {
            class: "reversible",
            inverse: (_command, { state }) => ({
              command: { op: "witnesses", policy: state.witnesses.get()?.policy ?? "" },
            }),
            target: (_command, { state }) => state.witnesses.get()?.seq ?? 0,
          },
        },
        examples: [
          '{"op":"apply","files":{"site.cedar":"permit (principal, action, resource);"}}',
          '{"op":"rollback","version":1}',
          '{"op":"signers","allowed":"ann ssh-ed25519 AAAA…","roles":"ann operational"}',
          '{"op":"retention","outputs_age_ms":2592000000,"outputs_size":10000000000,"ended_jobs_age_ms":7776000000}',
          '{"op":"witnesses","policy":"log …\\nwitness attic … http://192.0.2.7:7790/\\nquorum attic\\n"}',
        ],
        prepare: (command, scene) =>
          this.engine(scene.state).prepare(textsOf(command, scene), wayOf(scene, acts().describe)),
        decide: (command, at) => decideChange(command, at, acts(), this.engine(at.state)),
      },
    );
  }

  #policy(t: Builder): Node {
    return t.dir("Policies: what may happen, and what must be approved first", {
      ctl: this.#control(t),
      rules: t.text("The rules in force, one per line", {
        render: (scene) => rulesText(this.#policies(scene), this.#version(scene)),
        json: (scene) => rulesJson(this.#policies(scene), this.#version(scene)),
      }),
      schema: t.text("Cedar schema of what policies can ask about", {
        render: () => schemaText(this.#deps.acts().names()),
      }),
      versions: t.text("The last versions, and who put them in force", {
        render: ({ state }) =>
          [...state.versions.values()]
            .map(
              ({ version, by, at, seq, from, files }) =>
                `version=${version} by=${by} at_ms=${at} record=${seq}${from === 0 && Object.keys(files).length > 0 ? "" : ` from=${from}`}\n`,
            )
            .join(""),
        json: ({ state }) => [...state.versions.values()] as unknown as Json,
      }),
      signers: t.text("Who may sign, as allowed_signers", {
        render: ({ state }) => state.signers.get()?.allowed ?? "",
        json: ({ state }) => state.signers.get() as Json,
      }),
      retention: t.text("How long outputs and ended jobs are kept, and who said so", {
        render: ({ state }) => retentionText(state),
        json: ({ state }) => retentionJson(state),
      }),
      witnesses: t.text("Whose cosignatures of the log are asked for, as a C2SP tlog-policy", {
        render: ({ state }) => state.witnesses.get()?.policy ?? "",
        json: ({ state }) => state.witnesses.get() as Json,
      }),
      keys: t.text("Idempotency keys that are remembered, for a day, newest first", {
        render: ({ views }) => keysText(views.kernel),
        json: ({ views }) => keysJson(views.kernel),
      }),
      preflight: this.#preflight(t),
    });
  }

  #queue(t: Builder): Node {
    return t.control("Approve or deny what a rule asks for; one JSON object per line", {
      input: QueueCommand,
      right: "approve",
      undo: "compensable",
      act: (command) =>
        "comment" in command ? "comment" : command.decision === "approve" ? "approve" : "reject",
      acts: {
        approve: {
          class: "compensable",
          compensation: "Reject the action before it runs; then undo what it did",
        },
        reject: { class: "compensable", compensation: "Ask for the action again" },
        comment: { class: "compensable", compensation: "Comment again" },
      },
      examples: [
        '{"id":"change-7","target":"/queen/ctl","decision":"approve"}',
        '{"action":"17","decision":"approve","signature":"-----BEGIN SSH SIGNATURE-----…"}',
        '{"action":"17","decision":"reject","reason":"not tonight"}',
        '{"action":"17","comment":"who asked for this?"}',
      ],
      decide: (command, at) => decideQueue(command, at as never, this.#deps.limits),
    });
  }

  #actions(t: Builder): Node {
    const has = (name: string, { state, seq }: Seen): boolean =>
      state.queue.has(name) ||
      state.actions.has(name) ||
      (/^(0|[1-9]\d{0,14})$/.test(name) && Number(name) <= seq);
    const known = ({ state, params }: Seen): boolean =>
      state.queue.has(params.id ?? "") || state.actions.has(params.id ?? "");
    const undo = ({ params }: Seen): Promise<Json> => undoJson(this.#deps, Number(params.id));
    return t.each(
      "What waits for approval, or was approved; any other record by its number",
      "id",
      { list: ({ state }) => namesOf(state), has, entries: { queue: this.#queue(t) } },
      t.dir("One action", {
        status: t.text("How far it is", {
          visible: known,
          render: ({ state, params, now }) =>
            statusText(state, params.id ?? "", now, this.#deps.limits.grace ?? 0),
          json: ({ state, params, now }) => statusJson(state, params.id ?? "", now),
        }),
        statement: t.text("What approvers sign, byte for byte", {
          visible: ({ state, params }) => state.actions.has(params.id ?? ""),
          render: ({ state, params }) => state.actions.get(params.id ?? "")?.statement ?? "",
        }),
        why: t.text("From the ticket to what became of it, with proofs in the JSON twin", {
          // What is no action is a record like any other: for those who may look into the log.
          visible: (scene) =>
            this.#deps.chain !== undefined && (known(scene) || scene.caller.may("/audit/why", "read")),
          render: async (scene) => (await this.#deps.chain?.lines(chainName(scene, known(scene)))) ?? "",
          json: async (scene) => (await this.#deps.chain?.whole(chainName(scene, known(scene)))) ?? null,
        }),
        undo: t.text("The command that takes this record back, as JSON", {
          // A waiting action did nothing yet; what it ran as is another record.
          visible: ({ state, params }) =>
            /^\d+$/.test(params.id ?? "") && !state.actions.has(params.id ?? ""),
          render: async (scene) => `${JSON.stringify(await undo(scene))}\n`,
        }),
      }),
    );
  }

  mounts(t: Builder): Readonly<Record<string, Node>> {
    return { "/policy": this.#policy(t), "/actions": this.#actions(t) };
  }
}

/** An action is told by the newest record about it, such as the one that it ran as. */
function chainName({ params }: Seen, known: boolean): string {
  const name = params.id ?? "";
  return known ? encodeURIComponent(`/actions/${name}`) : name;
}

function namesOf({ queue, actions }: PolicySlice): string[] {
  const queued = [...queue.entries()].filter(([, { state }]) => state === "queued").map(([id]) => id);
  const used = [...queue.entries()].filter(([, { state }]) => state !== "queued").map(([id]) => id);
  const live = [...actions.entries()].filter(([, action]) => !ended(action)).map(([id]) => id);
  const over = [...actions.entries()].filter(([, action]) => ended(action)).map(([id]) => id);
  return [...queued, ...live, ...used.slice(-listed), ...over.slice(-listed)];
}

function tick({ state, now }: At): Decision | undefined {
  const { ids, queued } = expired(state, now);
  const names = forgotten(state, now);
  const made = [
    ...(ids.length + queued.length > 0 ? [emit("expired@1", { ids, queued })] : []),
    ...(names.length > 0 ? [emit("unstaged@1", { names })] : []),
  ];
  return made.length === 0 ? undefined : { events: made };
}

function next(slice: PolicySlice): number | undefined {
  const due = [nextExpiry(slice), nextForgotten(slice)].filter((time) => time !== undefined);
  return due.length === 0 ? undefined : Math.min(...due);
}

/** `/policy` and `/actions`: rules in force, and what waits for people. Offers the view `policy` to the gate. */
export function policyProvider(deps: PolicyDeps): Provider {
  const parts = new Parts(deps);
  return defineProvider<PolicySlice, Uses>({
    name: "policy",
    doc: "Policies and approvals",
    uses: ["kernel"],
    initial,
    events,
    offers: {
      policy: (slice) => parts.engine(slice),
      governed: (slice): GovernedView => ({
        get retention() {
          return slice.retention.get() ?? undefined;
        },
        get witnesses() {
          return slice.witnesses.get()?.policy;
        },
      }),
      mandates: (slice): MandatesView => ({ of: (id) => mandateOf(slice, id) }),
    },
    // Compiled before the first line is judged, not with it.
    opened: (slice) => parts.engine(slice).open(),
    notify: {
      "applied@1": ({ version }: { version: number }, { subject }, runtime) =>
        runtime.log(`policies version ${version} in force, by ${subject}`),
      "rolled-back@1": ({ version, from }: { version: number; from: number }, { subject }, runtime) =>
        runtime.log(`policies version ${version} in force, as version ${from}, by ${subject}`),
      "enrolled@1": ({ version }: { version: number }, { subject }, runtime) =>
        runtime.log(`signers version ${version}, by ${subject}`),
      "retained@1": (_data, { subject }, runtime) =>
        runtime.log(`what is kept how long was set by ${subject}`),
      "witnessed@1": (_data, { subject }, runtime) =>
        runtime.log(`witnesses of the log were set by ${subject}`),
      "asked@1": (_data, { seq, subject }, runtime) =>
        runtime.log(`action ${seq} of ${subject} waits for approval`),
      "ran@1": ({ id }: { id: string }, { seq }, runtime) => runtime.log(`action ${id} ran as record ${seq}`),
      "closed@1": ({ id, state }: { id: string; state: string }, _meta, runtime) =>
        runtime.log(`action ${id} ${state}`),
    },
    touches,
    tick: { next, decide: tick },
    mounts: (t) => parts.mounts(t),
  });
}
