import { faults } from "@skep/fault";
import type { Deciding, Decision, Json, KernelSlice } from "@skep/kernel";
import type { AgentLine, SpecLine } from "./schema.ts";
import {
  emit,
  type Ended,
  type Facet,
  facets,
  type Hosts,
  isOver,
  keepMs,
  most,
  type Params,
  type Ticket,
} from "./state.ts";

/** What hosts and tickets are refused with. */
export const fault = faults("host", {
  absent: ["absent", "Cannot find host or target", { detail: "invalid-path" }],
  several: [
    "invalid",
    "Cannot tell which host is meant: several have this target",
    { cure: 'Say "host" in the ticket, or write below /host/HOST' },
  ],
  taken: ["conflict", "Cannot queue ticket: there is another one of this id or key"],
  stale: ["stale", "Cannot queue ticket: it was issued more than a day ago", { cure: "Issue a new one" }],
  many: ["quota", "Cannot queue another ticket: the limit is reached", { detail: "buffer-full" }],
  names: ["quota", "Cannot take more names or hosts: the limit is reached", { detail: "buffer-full" }],
  params: ["invalid", "Cannot queue ticket: its params do not fit the action", { detail: "invalid-payload" }],
  unknown: ["absent", "Cannot find ticket"],
  open: ["conflict", "Cannot drive ticket again: it has not ended"],
  again: [
    "conflict",
    "Cannot drive ticket again",
    { cure: "Only what failed or expired is driven again; look at the host, then write a new ticket" },
  ],
  state: ["conflict", "Cannot do this to a ticket in this state"],
  agents: [
    "conflict",
    "Cannot tell how this is: an agent tells it",
    { cure: "Its bridge and `skep host` are one too many" },
  ],
  text: ["oversize", "Cannot take more than one line", { detail: "invalid-payload" }],
  superseded: ["stale", "Cannot act: this host's agent was started anew", { cure: "End the older one" }],
  standing: ["busy", "Cannot do this while the hive is", { detail: "lifecycle-denied" }],
});

/** Views of other slices. */
export interface Uses {
  readonly kernel: KernelSlice;
}

export type At = Deciding<Hosts, Uses>;

const working = new Set(["ONLINE", "DEGRADED"]);

/** Hosts are told of, and acted on, while the hive takes new work. Throws `host.standing`. */
export function checkWorking({ kernel }: Uses): void {
  const { state } = kernel.lifecycle.get();
  if (!working.has(state)) throw fault.standing(state);
}

/** Hosts that have a thing of this name. */
export function hostsWith(state: Hosts, facet: Facet, name: string): string[] {
  return [...state.hosts.keys()].filter((host) => state.names.get(`${host}/${facet}`)?.includes(name));
}

const facetOf = (action: string): Facet => action.slice(0, action.indexOf(".")) as Facet;

/** Params that an act has to have; no other act has one of them. */
const needed: Readonly<Record<string, readonly string[]>> = {
  "nvidia.power_cap": ["watts"],
  "gpu.lease.grant": ["holder", "lease_s"],
  "gpu.lease.renew": ["holder", "lease_s"],
  "gpu.lease.release": ["holder"],
  "k8s.lease": ["holder", "lease_s"],
  "update.apply": ["epoch"],
};
const particular = new Set(Object.values(needed).flat());

function checkParams({ action, params }: Asked): void {
  const wanted = needed[action] ?? [];
  const missing = wanted.find((name) => params[name] === undefined);
  if (missing !== undefined) throw fault.params(`${missing} is missing`);
  const strange = Object.keys(params).find((name) => particular.has(name) && !wanted.includes(name));
  if (strange !== undefined) throw fault.params(`${strange} is not for ${action}`);
}

/** Acts whose target is no thing that a host tells of. */
const apart = (action: string): boolean => action === "k8s.lease" || !facets.includes(facetOf(action));

function hostOf(state: Hosts, action: string, target: string, host: string | undefined): string {
  if (host !== undefined) {
    if (!state.hosts.has(host)) throw fault.absent(host);
    return host;
  }
  const found = apart(action) ? [...state.hosts.keys()] : hostsWith(state, facetOf(action), target);
  if (found.length > 1) throw fault.several(`${target} on ${found.slice(0, 4).join(", ")}`);
  const [only] = found;
  if (only === undefined) throw fault.absent(target);
  return only;
}

/** A ticket as it is asked for, by a line or by a file of the target. */
export type Asked = {
  readonly id: string;
  readonly key: string;
  readonly action: string;
  readonly host?: string | undefined;
  readonly target: string;
  readonly params: Params;
  readonly ttl: number;
};

const same = (ticket: Ticket, asked: Asked): boolean =>
  ticket.key === asked.key &&
  ticket.action === asked.action &&
  ticket.target === asked.target &&
  (asked.host === undefined || ticket.host === asked.host) &&
  JSON.stringify(ticket.params) === JSON.stringify(asked.params);

function earlier({ tickets, keys }: Hosts, asked: Asked): readonly [string, Ticket] | undefined {
  const id = tickets.has(asked.id) ? asked.id : keys.get(asked.key);
  const ticket = id === undefined ? undefined : tickets.get(id);
  return id === undefined || !ticket ? undefined : [id, ticket];
}

/** Queues a ticket once: the same key and act is answered with the ticket that there is. */
export function queue(asked: Asked, { state, views }: At): Decision {
  checkWorking(views);
  const before = earlier(state, asked);
  if (before) {
    const [id, ticket] = before;
    if (!same(ticket, asked)) throw fault.taken(id);
    return { events: [], result: { id, host: ticket.host, state: ticket.state, known: true } };
  }
  checkParams(asked);
  if (state.open.size >= most.open) throw fault.many(`${most.open} are open`);
  if (state.tickets.size >= most.kept) throw fault.many(`${most.kept} within a day`);
  const host = hostOf(state, asked.action, asked.target, asked.host);
  return {
    events: [emit("queued@1", { ...asked, host })],
    result: { id: asked.id, host, state: "queued" },
  };
}

function redrive(id: string, at: At): Decision {
  checkWorking(at.views);
  const ticket = at.state.tickets.get(id);
  if (!ticket) throw fault.unknown(id);
  if (!isOver(ticket.state)) throw fault.open(id);
  if (ticket.state !== "failed" && ticket.state !== "expired") throw fault.again(`${id} is ${ticket.state}`);
  return { events: [emit("redriven@1", { id })], result: { id, host: ticket.host, state: "queued" } };
}

/** Decides one line of `/host/tickets/spec`. */
export function decideSpec(line: SpecLine, at: At): Decision {
  if ("op" in line) return redrive(line.id, at);
  const { id, idempotency_key: key = id, action, host, target, params = {}, ttl_s, issued_unix_ms } = line;
  if (issued_unix_ms !== undefined && issued_unix_ms < at.now - keepMs) throw fault.stale(id);
  const given = Object.entries(params).filter(
    (pair): pair is [string, number | string] => pair[1] !== undefined,
  );
  return queue({ id, key, action, host, target, params: Object.fromEntries(given), ttl: ttl_s * 1000 }, at);
}

function ticketOf({ state, params }: At, id: string): Ticket {
  const ticket = state.tickets.get(id);
  if (ticket?.host !== params.host || !ticket) throw fault.unknown(id);
  return ticket;
}

function hello(line: Extract<AgentLine, { op: "hello" }>, { state }: At, host: string): Decision {
  const known = state.hosts.get(host);
  if (!known && state.hosts.size >= most.hosts) throw fault.names(`${most.hosts} hosts`);
  const { incarnation, version, allows } = line;
  // One that comes back after another took its place would take it away again, and so on.
  if (known?.former?.includes(incarnation)) throw fault.superseded(host);
  return { events: [emit("hello@1", { host, incarnation, version, allows })] };
}

function named(line: Extract<AgentLine, { op: "names" }>, { state }: At, host: string): Decision {
  const { facet, add, remove } = line;
  const more = [...new Set(add)];
  const gone = new Set([...add, ...remove]);
  const kept = state.names.get(`${host}/${facet}`)?.filter((name) => !gone.has(name)) ?? [];
  if (kept.length + more.length > most.names) throw fault.names(`${most.names} of ${facet}`);
  return { events: [emit("named@1", { host, facet, add: more, remove })] };
}

// Whoever claimed it may still tell what came of it, though the hive had given it up: it is not done again for that.
const tellable = ({ state, claim, evidence }: Ticket): boolean =>
  state === "claimed" || state === "running" || (state === "unknown" && claim !== "" && evidence === null);

function report(line: Extract<AgentLine, { op: "report" }>, at: At): Decision {
  const { ticket: id, state, reason, evidence, output } = line;
  const ticket = ticketOf(at, id);
  if (isOver(ticket.state) && ticket.state === state) return { events: [], result: { id, known: true } };
  if (!tellable(ticket)) throw fault.state(`${id} is ${ticket.state}`);
  const ended: Ended = { id, state, reason, evidence: evidence as Json, output };
  return { events: [emit("ended@1", ended)] };
}

/** Decides one line of a host's `ctl`. */
export function decideAgent(line: AgentLine, at: At): Decision {
  const { host = "" } = at.params;
  if (line.op === "hello") return hello(line, at, host);
  if (at.state.hosts.get(host)?.incarnation !== line.incarnation) throw fault.superseded(host);
  if (line.op === "names") return named(line, at, host);
  if (line.op === "report") return report(line, at);
  const { state, claim } = ticketOf(at, line.ticket);
  if (line.op === "claim") {
    if (state === "claimed" && claim === line.incarnation) return { events: [] };
    // One that an earlier start claimed and had not begun.
    if (state !== "queued" && state !== "claimed") throw fault.state(`${line.ticket} is ${state}`);
    return { events: [emit("claimed@1", { id: line.ticket, incarnation: line.incarnation })] };
  }
  if (state !== "claimed" || claim !== line.incarnation) throw fault.state(`${line.ticket} is ${state}`);
  return { events: [emit("running@1", { id: line.ticket, before: line.before as Json })] };
}

/** When the next ticket ends by itself. */
export const nextDue = ({ due }: Hosts): number | undefined => due.get() || undefined;

function endOf(id: string, { state }: Ticket): Ended {
  const none = { id, evidence: null, output: "" };
  if (state === "queued") return { ...none, state: "expired", reason: "nobody claimed it in time" };
  if (state === "claimed") return { ...none, state: "expired", reason: "claimed, and not begun in time" };
  return { ...none, state: "unknown", reason: "begun, and not reported in time" };
}

/** Tickets that end or are forgotten in one record. */
const mostAtOnce = 100;

/** Ends what nobody told about in time, and forgets what ended a day ago. */
export function expire({ state, now }: At): Decision | undefined {
  const events = [];
  for (const [id, deadline] of state.open.entries()) {
    const ticket = state.tickets.get(id);
    if (ticket && deadline <= now && events.length < mostAtOnce)
      events.push(emit("ended@1", endOf(id, ticket)));
  }
  const ids = [];
  for (const [id, ticket] of state.tickets.entries()) {
    if (!isOver(ticket.state)) continue;
    if (ticket.since + keepMs > now || ids.length >= mostAtOnce) break;
    ids.push(id);
  }
  if (ids.length > 0) events.push(emit("forgotten@1", { ids }));
  return events.length > 0 ? { events } : undefined;
}
