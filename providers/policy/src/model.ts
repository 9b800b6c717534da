import { type Cell, type EventMeta, emitter, type Scope, type Table } from "@skep/kernel";
import type { Need } from "@skep/policy";
import { governedEvents, governedInitial, type GovernedSlice } from "./governed.ts";

/** A block of the ticket that an action was asked with. */
export type KeptBlock = { readonly id: string; readonly ops?: number; readonly bytes?: number };

/** A need as it is kept in state. */
export type KeptNeed = { readonly [Name in keyof Need]: Need[Name] };

/** A policy set that was or is in force. */
export type Version = {
  readonly version: number;
  readonly files: Readonly<Record<string, string>>;
  readonly by: string;
  /** Hive time, milliseconds; and the record that put it in force. */
  readonly at: number;
  readonly seq: number;
  /** The version that a rollback took it from; 0 for none. */
  readonly from: number;
};

/** Who may sign, as it was told. */
export type Enrolled = {
  readonly version: number;
  /** OpenSSH allowed_signers. */
  readonly allowed: string;
  /** `OWNER ROLE[,ROLE]` on each line: operational or recovery. */
  readonly roles: string;
  /** `OWNER GROUP[,GROUP]` on each line: names that `@role` of a rule may ask for. */
  readonly groups: string;
  /** Keys that count no more: lines, or `krl:` and base64; absent for none. */
  readonly revoked?: string;
};

/** An approval or denial that lies in the queue until it is used. */
export type Queued = {
  readonly target: string;
  readonly decision: "approve" | "deny";
  readonly subject: string;
  readonly role: string;
  readonly at: number;
  readonly expires: number;
  readonly state: "queued" | "consumed" | "expired";
  /** The rule that used it; empty while none did. */
  readonly rule: string;
};

/** One person's word on an action that waits. */
export type Approval = {
  /** The SSHSIG over the action's statement; empty for a ticket's word. */
  readonly signature: string;
  /** Names of the key's owner, or the subject of the ticket. */
  readonly owners: readonly string[];
  readonly role: string;
  readonly blocks: readonly string[];
  readonly at: number;
};

/** An action that waits, or waited, for approvals. */
export type Action = {
  readonly state: "waiting" | "approved" | "ran" | "rejected" | "expired" | "stale";
  readonly path: string;
  readonly act: string;
  readonly class: string;
  readonly line: string;
  /** SHA-256 of path and command: the same once more is the same action. */
  readonly digest: string;
  readonly key: string | null;
  readonly subject: string;
  readonly role: string;
  readonly blocks: readonly KeptBlock[];
  readonly expiresAt: number | null;
  readonly right: string | null;
  readonly target: string;
  readonly needs: readonly KeptNeed[];
  /** The text that is signed. */
  readonly statement: string;
  readonly at: number;
  /** When it ends unapproved; and since when it has ended. */
  readonly expires: number;
  readonly approvals: readonly Approval[];
  readonly comments: readonly { readonly by: string; readonly text: string; readonly at: number }[];
  /** Why it ended, and the record that it ran as. */
  readonly why: string;
  readonly record: number | null;
};

/** What is kept of policies and approvals. */
export interface PolicySlice extends GovernedSlice {
  readonly force: Cell<Version | null>;
  /** The last versions, for rollback; bound: 16. */
  readonly versions: Table<Version>;
  /** Parts of sets that are about to be applied, `subject\nfile`; bound: 256 KiB. */
  readonly staged: Table<{ readonly text: string; readonly at: number }>;
  readonly signers: Cell<Enrolled | null>;
  /** Bound: the limit of the queue, and 1,000 that were used. */
  readonly queue: Table<Queued>;
  /** Bound: 1,000 that wait, and 1,000 that have ended. */
  readonly actions: Table<Action>;
  /** When what has not ended does so: `a:<action>` and `q:<id in the queue>`. */
  readonly open: Table<number>;
  /** Approved and not run yet. */
  readonly ready: Table<number>;
}

/** What is kept of what has ended. */
export const kept = { versions: 16, consumed: 1000, ended: 1000 } as const;

/** The slice of an empty journal. */
export const initial = (scope: Scope): PolicySlice => ({
  force: scope.cell<Version | null>("force", null),
  versions: scope.table("versions"),
  staged: scope.table("staged"),
  signers: scope.cell<Enrolled | null>("signers", null),
  queue: scope.table("queue"),
  actions: scope.table("actions"),
  open: scope.table("open"),
  ready: scope.table("ready"),
  ...governedInitial(scope),
});

type Asked = Pick<
  Action,
  | "path"
  | "act"
  | "class"
  | "line"
  | "digest"
  | "key"
  | "blocks"
  | "expiresAt"
  | "right"
  | "target"
  | "needs"
  | "statement"
  | "expires"
  | "role"
>;

function change(slice: PolicySlice, id: string, more: Partial<Action>): void {
  const action = slice.actions.get(id);
  if (action) slice.actions.set(id, { ...action, ...more });
}

function trim<V>(table: Table<V>, most: number, over: (value: V) => boolean): void {
  let count = 0;
  for (const value of table.values()) if (over(value)) count += 1;
  for (const [key, value] of [...table.entries()]) {
    if (count <= most) return;
    if (!over(value)) continue;
    table.delete(key);
    count -= 1;
  }
}

/** Whether an action has come to its end. */
export const ended = ({ state }: Pick<Action, "state">): boolean =>
  state !== "waiting" && state !== "approved";

function end(
  slice: PolicySlice,
  id: string,
  state: Action["state"],
  why: string,
  record: number | null,
): void {
  change(slice, id, { state, why, record });
  slice.ready.delete(id);
  slice.open.delete(`a:${id}`);
  trim(slice.actions, kept.ended, ended);
}

function putInForce(slice: PolicySlice, version: Version): void {
  slice.force.set(version);
  slice.versions.set(String(version.version), version);
  trim(slice.versions, kept.versions, () => true);
}

/** How events fold. */
export const events = {
  ...governedEvents,
  "staged@1": (
    { staged }: PolicySlice,
    { file, at, text }: { file: string; at: number; text: string },
    { subject, time }: EventMeta,
  ) => {
    const name = `${subject}\n${file}`;
    const before = at === 0 ? "" : (staged.get(name)?.text ?? "");
    staged.set(name, { text: before.slice(0, at) + text, at: time });
  },
  "unstaged@1": ({ staged }: PolicySlice, { names }: { names: readonly string[] }) => {
    for (const name of names) staged.delete(name);
  },
  "applied@1": (
    slice: PolicySlice,
    data: { version: number; files: Record<string, string> | null; staged: readonly string[]; from: number },
    { subject, seq, time }: EventMeta,
  ) => {
    const { version, from } = data;
    const texts = data.staged.map(
      (file) => [file, slice.staged.get(`${subject}\n${file}`)?.text ?? ""] as const,
    );
    const files = { ...data.files, ...Object.fromEntries(texts) };
    putInForce(slice, { version, files, by: subject, at: time, seq, from });
    for (const file of data.staged) slice.staged.delete(`${subject}\n${file}`);
  },
  "rolled-back@1": (
    slice: PolicySlice,
    { version, from }: { version: number; from: number },
    { subject, seq, time }: EventMeta,
  ) => {
    const { files = {} } = slice.versions.get(String(from)) ?? {};
    putInForce(slice, { version, files, by: subject, at: time, seq, from });
  },
  "enrolled@1": ({ signers }: PolicySlice, data: Enrolled) => signers.set({ ...data }),
  "queued@1": (
    { queue, open }: PolicySlice,
    data: Pick<Queued, "target" | "decision" | "expires" | "role"> & { id: string },
    { subject, time }: EventMeta,
  ) => {
    const { id, ...rest } = data;
    queue.set(id, { ...rest, subject, at: time, state: "queued", rule: "" });
    open.set(`q:${id}`, rest.expires);
  },
  "consumed@1": ({ queue, open }: PolicySlice, { ids, rule }: { ids: readonly string[]; rule: string }) => {
    for (const id of ids) {
      const entry = queue.get(id);
      if (entry) queue.set(id, { ...entry, state: "consumed", rule });
      open.delete(`q:${id}`);
    }
    trim(queue, kept.consumed, ({ state }) => state !== "queued");
  },
  "asked@1": (slice: PolicySlice, data: Asked, { subject, seq, time }: EventMeta) => {
    const more = { subject, at: time, approvals: [], comments: [], why: "", record: null };
    slice.actions.set(String(seq), { ...data, ...more, state: "waiting" });
    slice.open.set(`a:${seq}`, data.expires);
  },
  "approved@1": (
    slice: PolicySlice,
    { id, ready, ...approval }: Omit<Approval, "at"> & { id: string; ready: boolean },
    { time }: EventMeta,
  ) => {
    const approvals = [...(slice.actions.get(id)?.approvals ?? []), { ...approval, at: time }];
    change(slice, id, { approvals, ...(ready ? { state: "approved" as const } : {}) });
    if (ready) slice.ready.set(id, time);
  },
  "commented@1": (
    slice: PolicySlice,
    { id, text }: { id: string; text: string },
    { subject, time }: EventMeta,
  ) => {
    const comments = [...(slice.actions.get(id)?.comments ?? []), { by: subject, text, at: time }];
    change(slice, id, { comments });
  },
  "ran@1": (slice: PolicySlice, { id }: { id: string }, { seq }: EventMeta) => end(slice, id, "ran", "", seq),
  "closed@1": (
    slice: PolicySlice,
    { id, state, why }: { id: string; state: "rejected" | "stale"; why: string },
  ) => end(slice, id, state, why, null),
  "expired@1": (
    slice: PolicySlice,
    { ids, queued }: { ids: readonly string[]; queued: readonly string[] },
  ) => {
    for (const id of ids) end(slice, id, "expired", "nobody approved it in time", null);
    for (const id of queued) {
      const entry = slice.queue.get(id);
      if (entry) slice.queue.set(id, { ...entry, state: "expired" });
      slice.open.delete(`q:${id}`);
    }
  },
} as const;

/** Makes events of this provider. */
export const emit = emitter(events);
