import { faults } from "@skep/fault";
import type { Deciding, Decision } from "@skep/kernel";
import type { Command, Join, Renew } from "./commands.ts";
import { emit, type Member, type Peers } from "./state.ts";

const fault = faults("net", {
  invite: ["absent", "Cannot use invitation: this hive does not know it"],
  used: [
    "conflict",
    "Cannot use invitation: another machine has used it",
    { cure: "Ask for a new one with `skep invite`" },
  ],
  spent: [
    "conflict",
    "Cannot use invitation: it was used up when this machine joined",
    { cure: "The machine is a member already; for another start `skep leave` first and ask for a new one" },
  ],
  revoked: [
    "denied",
    "Cannot use invitation: it was revoked",
    { cure: "Ask for a new one with `skep invite`" },
  ],
  expired: ["stale", "Cannot use invitation: it expired", { cure: "Ask for a new one with `skep invite`" }],
  proof: ["denied", "Cannot join: the signature is not by the key that it brings"],
  removed: [
    "denied",
    "Cannot join with a key that was removed",
    { cure: "Make a new identity on that machine: `skep leave --forget`" },
  ],
  member: ["absent", "Cannot find machine"],
  done: [
    "conflict",
    "Cannot revoke invitation: it is used up",
    { cure: "Remove the machine: `skep node remove`" },
  ],
  other: ["denied", "Cannot leave for another machine", { detail: "denied" }],
  lasting: ["conflict", "Cannot renew ticket: it does not expire"],
  early: [
    "conflict",
    "Cannot renew ticket: more than half of its time is left",
    { cure: "Ask again when it has less" },
  ],
  barred: [
    "denied",
    "Cannot renew ticket: it was revoked",
    { cure: "Join with a new invitation, if the hive gives one" },
  ],
});

/** What deciding needs that is not state. */
export interface Judge {
  /** Name of the worker that a machine's key stands for. */
  readonly worker: (key: string) => string;
  /** Whether a join statement was signed by the key that it names. */
  readonly proves: (join: Join, invite: string) => boolean;
}

type At = Deciding<Peers, unknown>;

const hour = 3_600_000;

/** When a ticket of a term that is made now ends; kept in whole seconds, as tickets keep it. */
const endOf = (now: number, term: number): number => Math.floor((now + term) / 1000) * 1000;

function revocation({
  blocks,
}: Member): { readonly type: string; readonly data: { readonly block: string } }[] {
  return blocks.map((block) => ({ type: "kernel:revoked@1", data: { block } }));
}

/** A machine goes: nothing that it was given counts any more. */
export function removal(worker: string, reason: string, { state }: At): Decision {
  const member = state.members.get(worker);
  if (!member || member.state === "removed") throw fault.member(worker);
  return { events: [emit("removed@1", { worker, reason }), ...revocation(member)] };
}

function invitation(command: Extract<Command, { op: "invite" }>, at: At): Decision {
  const invite = at.chance.slice(0, 16);
  const { class: of, role, labels, ttl_ms, term_ms: term = of === "volunteer" ? hour : undefined } = command;
  const expiresAt = Math.floor((at.now + ttl_ms) / 1000) * 1000;
  const owner = command.owner ?? `invite:${invite}`;
  return {
    events: [
      emit("invited@1", { invite, class: of, role, owner, labels, expiresAt, by: at.caller.subject }),
      ...(term === undefined ? [] : [emit("termed@1", { invite, term })]),
    ],
    result: { invite, class: of, role, owner, expires_ms: expiresAt },
  };
}

/** An invitation for one volunteer; what it says to it comes back as an outcome. */
function engagement(line: Extract<Command, { op: "engage" }>, at: At): Decision {
  const { volunteer, module, requirements, term_ms } = line;
  const { events, result } = invitation(
    {
      op: "invite",
      class: "volunteer",
      role: "worker",
      owner: `volunteer:${volunteer}`,
      labels: [],
      ttl_ms: 60_000,
      term_ms,
    },
    at,
  );
  const { invite, expires_ms: expiresAt } = result as { invite: string; expires_ms: number };
  const args = { volunteer, invite, expiresAt, module, requirements };
  return { events, effects: [{ kind: "engage", args }], result: { invite } };
}

/** A line of `/net/ctl`. */
export function command(line: Command, at: At): Decision {
  const { state } = at;
  if (line.op === "invite") return invitation(line, at);
  if (line.op === "engage") return engagement(line, at);
  if (line.op === "remove") return removal(line.node, line.reason, at);
  if (line.op === "label") {
    if (!state.members.has(line.node)) throw fault.member(line.node);
    return { events: [emit("labelled@1", { worker: line.node, labels: line.labels })] };
  }
  const invited = state.invites.get(line.invite);
  if (!invited) throw fault.invite(line.invite);
  if (invited.state === "used") throw fault.done(line.invite);
  if (invited.state === "revoked") return { events: [] };
  const node =
    invited.node === undefined ? [] : removal(invited.node, "its invitation was revoked", at).events;
  return { events: [emit("revoked@1", { invite: line.invite }), ...node] };
}

/** Joining: the same machine may ask again until it has said hello with its ticket; nobody else may. */
export function join(line: Join, invite: string, at: At, judge: Judge): Decision {
  const { state, now } = at;
  const invited = state.invites.get(invite);
  if (!invited) throw fault.invite(invite);
  if (invited.state === "revoked") throw fault.revoked(invite);
  if (!judge.proves(line, invite)) throw fault.proof();
  const worker = judge.worker(line.node);
  if (invited.node !== undefined && invited.node !== worker) throw fault.used(invite);
  if (invited.state === "used") throw fault.spent(worker);
  if (invited.expiresAt <= now) throw fault.expired(invite);
  const member = state.members.get(worker);
  if (member?.state === "removed") throw fault.removed(worker);
  const { term } = invited;
  const expiresAt = term === undefined ? undefined : endOf(now, term);
  const result = { worker, class: invited.class, owner: invited.owner };
  const lasting = (end: number | undefined) =>
    end === undefined ? result : { ...result, ttl_ms: end - now };
  if (member?.box === line.box && member.invite === invite && member.blocks.length > 0)
    return { events: [], result: lasting(member.expiresAt) };
  const { node: key, box, name } = line;
  const ends = term === undefined || expiresAt === undefined ? [] : [{ worker, box, term, expiresAt }];
  return {
    // A ticket that was sealed for another box may be anywhere.
    events: [
      ...(member ? revocation(member) : []),
      emit("redeemed@1", { worker, key, box, invite, name }),
      ...ends.map((renewed) => emit("renewed@1", renewed)),
    ],
    effects: [
      {
        kind: "issue",
        args: { worker, box, role: invited.role, ...(expiresAt !== undefined && { expiresAt }) },
      },
    ],
    result: lasting(expiresAt),
  };
}

/** A machine that is attached gets another ticket like the one that it has, before that ends. */
export function renew({ box }: Renew, worker: string, { caller, now, state }: At): Decision {
  const member = state.members.get(worker);
  if (caller.subject !== worker || !member || member.state === "removed") throw fault.member(worker);
  const { blocks, expiresAt, role, term } = member;
  if (expiresAt === undefined || term === undefined) throw fault.lasting(worker);
  if (blocks.length === 0) throw fault.barred(worker);
  if (member.box === box) return { events: [], result: { ttl_ms: expiresAt - now } };
  if (expiresAt - now > term / 2) throw fault.early(worker);
  const end = endOf(now, term);
  return {
    events: [emit("renewed@1", { worker, box, term, expiresAt: end })],
    effects: [{ kind: "issue", args: { worker, box, role, expiresAt: end, follows: true } }],
    result: { ttl_ms: end - now },
  };
}

/** A ticket was made. Whoever was removed, or whose ticket was revoked, while it was made does not get it. */
export function issued(worker: string, block: string, { state }: At): Decision {
  const member = state.members.get(worker);
  const barred =
    !member || member.state === "removed" || (member.state === "member" && member.blocks.length === 0);
  return {
    events: [barred ? { type: "kernel:revoked@1", data: { block } } : emit("issued@1", { worker, block })],
  };
}

/** A machine may only take itself away. */
export function leave(worker: string, at: At): Decision {
  if (at.caller.subject !== worker) throw fault.other(worker);
  return removal(worker, "it left", at);
}
