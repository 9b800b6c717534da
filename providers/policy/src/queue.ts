import type { Deciding, Decision } from "@skep/kernel";
import { parseStatement } from "@skep/statement";
import { isMet, isOwnTicket, startOf } from "./approvals.ts";
import type { QueueCommand } from "./command.ts";
import { fault } from "./faults.ts";
import { type Action, type Approval, emit, ended, type PolicySlice } from "./model.ts";
import { checkSent } from "./sent.ts";
import { enrolmentOf } from "./signers.ts";

type At = Deciding<PolicySlice>;
type Approve = Extract<QueueCommand, { decision: "approve"; action: string }>;
type Signed = { readonly signature: string; readonly statement: string | undefined };

const day = 86_400_000;
const mostComments = 64;
const mostApprovals = 32;

/** Limits of the queue that a configuration may set. */
export interface QueueLimits {
  /** Approvals that may lie in the queue. */
  readonly entries: number;
  /** How long an irreversible act that a person asked for waits after its approval, milliseconds; 0 where left out. */
  readonly grace?: number;
}

function enqueue(
  { id, target, decision }: Extract<QueueCommand, { target: string }>,
  { state, now, caller }: At,
  limits: QueueLimits,
): Decision {
  if (/^\d+$/.test(id)) throw fault.id(id);
  if (state.queue.has(id)) throw fault.twice(id);
  const queued = [...state.open.keys()].filter((name) => name.startsWith("q:"));
  if (queued.length >= limits.entries) throw fault.queueFull(limits.entries);
  const event = emit("queued@1", { id, target, decision, role: caller.role, expires: now + day });
  return { events: [event], result: { id } };
}

function actionOf({ actions }: PolicySlice, id: string): Action {
  const action = actions.get(id);
  if (!action) throw fault.unknown(id);
  if (ended(action)) throw fault.over(`${id} ${action.state}`);
  return action;
}

/** Owners of the key that signed. Throws `statement.*` for a signature that does not count, `policy.own`, `.again`. */
function signed(action: Action, { signature, statement }: Signed, at: At): Omit<Approval, "at"> {
  const { state, now } = at;
  const enrolment = enrolmentOf(state.signers.get());
  if (!enrolment) throw fault.unsigned("nobody is enrolled");
  if (statement !== undefined) checkSent({ signature, statement }, action, enrolment, at);
  const { role } = parseStatement(action.statement);
  const { owners, fingerprint } = enrolment.judge(signature, action.statement, role, now);
  const wanted = action.needs.filter(({ by, mode }) => by === "signer" && mode === "wait");
  const own = enrolment.isOf(fingerprint, owners, action.subject);
  if (own && !wanted.some(({ self }) => self)) throw fault.own(owners[0]);
  const fits = wanted.some(
    (need) => (need.self || !own) && (need.role === undefined || enrolment.hasRole(owners, need.role)),
  );
  if (!fits) throw fault.role(owners[0]);
  if (action.approvals.some(({ owners: others }) => others.some((other) => owners.includes(other))))
    throw fault.again(owners[0]);
  return { signature, owners, role, blocks: [] };
}

/** Throws `policy.unsigned`, `.own`, `.role` or `.again`. */
function told(action: Action, { caller }: At): Omit<Approval, "at"> {
  const { subject, role, blocks } = caller;
  const wanted = action.needs.filter(({ by, mode }) => by === "ticket" && mode === "wait");
  if (wanted.length === 0) throw fault.unsigned();
  if (isOwnTicket(action, { subject, blocks }) && !wanted.some(({ self }) => self)) throw fault.own(subject);
  if (!wanted.some((need) => need.role === undefined || need.role === role)) throw fault.role(role);
  if (action.approvals.some(({ signature, owners }) => signature === "" && owners.includes(subject)))
    throw fault.again(subject);
  return { signature: "", owners: [subject], role, blocks };
}

function approve(
  { action: id, signature, statement }: Approve,
  at: At,
  { grace = 0 }: QueueLimits,
): Decision {
  const { state, now } = at;
  const action = actionOf(state, id);
  if (action.approvals.length >= mostApprovals) throw fault.again(id);
  const approval = signature === undefined ? told(action, at) : signed(action, { signature, statement }, at);
  const approvals = [...action.approvals, { ...approval, at: now }];
  const enrolment = enrolmentOf(state.signers.get());
  const ready = isMet({ ...action, approvals }, action.needs, enrolment, now);
  const wait = startOf(action, now, grace) - now;
  return {
    events: [emit("approved@1", { id, ready, ...approval })],
    result: {
      action: id,
      by: approval.owners[0] ?? "",
      ready,
      ...(ready && wait > 0 ? { starts_in_ms: wait } : {}),
    },
  };
}

/** Decides one line of `/actions/queue`. */
export function decideQueue(command: QueueCommand, at: At, limits: QueueLimits): Decision {
  if ("target" in command) return enqueue(command, at, limits);
  const { action: id } = command;
  if ("comment" in command) {
    if (actionOf(at.state, id).comments.length >= mostComments) throw fault.comments(id);
    return { events: [emit("commented@1", { id, text: command.comment })], result: { action: id } };
  }
  if (command.decision === "approve") return approve(command, at, limits);
  actionOf(at.state, id);
  const why = `by ${at.caller.subject}: ${command.reason}`;
  return { events: [emit("closed@1", { id, state: "rejected", why })], result: { action: id } };
}

/** When the next action or approval expires. */
export function nextExpiry({ open }: PolicySlice): number | undefined {
  let first: number | undefined;
  for (const time of open.values()) if (first === undefined || time < first) first = time;
  return first;
}

/** What has expired. */
export function expired({ open }: PolicySlice, now: number): { ids: string[]; queued: string[] } {
  const over = [...open.entries()].filter(([, expires]) => expires <= now).map(([name]) => name);
  const of = (kind: string) => over.filter((name) => name.startsWith(kind)).map((name) => name.slice(2));
  return { ids: of("a:"), queued: of("q:") };
}
