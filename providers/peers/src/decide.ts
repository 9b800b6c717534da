import { faults } from "@skep/fault";
import type { Deciding, Decision } from "@skep/kernel";
import type { Command, Join } from "./commands.ts";
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
});

/** What deciding needs that is not state. */
export interface Judge {
  /** Name of the worker that a machine's key stands for. */
  readonly worker: (key: string) => string;
  /** Whether a join statement was signed by the key that it names. */
  readonly proves: (join: Join, invite: string) => boolean;
}

type At = Deciding<Peers, unknown>;

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
  const { class: of, role, labels, ttl_ms } = command;
  const expiresAt = Math.floor((at.now + ttl_ms) / 1000) * 1000;
  const owner = command.owner ?? `invite:${invite}`;
  return {
    events: [emit("invited@1", { invite, class: of, role, owner, labels, expiresAt, by: at.caller.subject })],
    result: { invite, class: of, role, owner, expires_ms: expiresAt },
  };
}

/** An invitation for one volunteer; what it says to it comes back as an outcome. */
function engagement(line: Extract<Command, { op: "engage" }>, at: At): Decision {
  const { volunteer, module, requirements } = line;
  const { events, result } = invitation(
    {
      op: "invite",
      class: "volunteer",
      role: "worker",
      owner: `volunteer:${volunteer}`,
      labels: [],
      ttl_ms: 60_000,
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
  const result = { worker, class: invited.class, owner: invited.owner };
  if (member?.box === line.box && member.invite === invite && member.blocks.length > 0)
    return { events: [], result };
  const { node: key, box, name } = line;
  return {
    // A ticket that was sealed for another box may be anywhere.
    events: [...(member ? revocation(member) : []), emit("redeemed@1", { worker, key, box, invite, name })],
    effects: [{ kind: "issue", args: { worker, box, role: invited.role } }],
    result,
  };
}

/** A machine may only take itself away. */
export function leave(worker: string, at: At): Decision {
  if (at.caller.subject !== worker) throw fault.other(worker);
  return removal(worker, "it left", at);
}
