import { type Cell, emitter, type EventMeta, type Json, type Scope, type Table } from "@skep/kernel";

/** What a host tells of: each has a directory of its own. */
export const facets = ["systemd", "docker", "k8s", "nvidia", "net"] as const;
/** One of them. */
export type Facet = (typeof facets)[number];

/** Where a ticket stands. */
export type TicketState = "queued" | "claimed" | "running" | "succeeded" | "failed" | "expired" | "unknown";

/** What an act needs beside its target. */
export type Params = Readonly<Record<string, number | string>>;

/** One act on one host. */
export type Ticket = {
  /** Number of the record that queued it last: an agent's cursor. */
  readonly n: number;
  readonly key: string;
  readonly action: string;
  readonly host: string;
  readonly target: string;
  readonly params: Params;
  readonly by: string;
  readonly ttl: number;
  readonly state: TicketState;
  /** Since when it is in this state, milliseconds since 1970. */
  readonly since: number;
  /** An open one ends by itself then, milliseconds since 1970. */
  readonly deadline: number;
  /** How often it was driven again. */
  readonly again: number;
  /** Which start of the agent claimed it; empty before. */
  readonly claim: string;
  /** What the target told of itself before the act; null where it tells nothing to go by. */
  readonly before: Json;
  readonly evidence: Json;
  readonly reason: string;
  readonly output: string;
};

/** An agent as it said hello last. */
export type Host = {
  readonly incarnation: string;
  readonly version: string;
  readonly since: number;
  /** What its own allow-list lets happen there: actions and targets, as the owner of the machine wrote them. */
  readonly allows: readonly string[];
  /** Starts that it took the place of, the newest first, at most `most.former`; left out before the second. */
  readonly former?: readonly string[];
};

/**
 * The slice. Bound: `most.hosts` hosts with `most.names` names of each facet; `most.open` open tickets, `most.kept`
 * with those that ended within `keepMs`.
 */
export interface Hosts {
  readonly hosts: Table<Host>;
  /** Names by `host/facet`. */
  readonly names: Table<readonly string[]>;
  readonly tickets: Table<Ticket>;
  /** Tickets by their idempotency key. */
  readonly keys: Table<string>;
  /** Tickets that have not ended, by their deadline. */
  readonly open: Table<number>;
  /** What bridges were told or told last, by `facet/name/file`; as many as the configuration names. */
  readonly told: Table<string>;
  /** When the next one ends by itself or is forgotten; 0 for never. */
  readonly due: Cell<number>;
}

/** Bounds of the slice. */
export const most = { hosts: 10_000, names: 2000, open: 1000, kept: 10_000, former: 16 } as const;
/** How long an ended ticket and its key are remembered, milliseconds. */
export const keepMs = 24 * 3_600_000;

/** The slice of an empty journal. */
export const initial = (scope: Scope): Hosts => ({
  hosts: scope.table("hosts"),
  names: scope.table("names"),
  tickets: scope.table("tickets"),
  keys: scope.table("keys"),
  open: scope.table("open"),
  told: scope.table("told"),
  due: scope.cell("due", 0),
});

/** States that a ticket does not leave by itself. */
export const isOver = (state: TicketState): boolean =>
  state !== "queued" && state !== "claimed" && state !== "running";

// Tickets stand in the order of their last change, so the first that ended is the first to be forgotten.
function setDue({ open, tickets, due }: Hosts): void {
  let next = 0;
  for (const at of open.values()) if (next === 0 || at < next) next = at;
  for (const { state, since } of tickets.values()) {
    if (!isOver(state)) continue;
    if (next === 0 || since + keepMs < next) next = since + keepMs;
    break;
  }
  due.set(next);
}

function set(slice: Hosts, id: string, ticket: Ticket): void {
  slice.tickets.delete(id);
  slice.tickets.set(id, ticket);
  if (isOver(ticket.state)) slice.open.delete(id);
  else slice.open.set(id, ticket.deadline);
  setDue(slice);
}

function change(
  slice: Hosts,
  id: string,
  act: (ticket: Ticket) => Partial<Ticket>,
  { time }: EventMeta,
): void {
  const ticket = slice.tickets.get(id);
  if (ticket) set(slice, id, { ...ticket, since: time, ...act(ticket) });
}

type Queued = Pick<Ticket, "key" | "action" | "host" | "target" | "params" | "ttl"> & { readonly id: string };

/** What a ticket came to. */
export type Ended = {
  readonly id: string;
  readonly state: TicketState;
  readonly reason: string;
  readonly evidence: Json;
  readonly output: string;
};

// Two of one name and no more than sixteen starts between them: whoever came first stays the older one.
function formerOf(before: Host | undefined, incarnation: string): Pick<Host, "former"> {
  if (!before) return {};
  const { former = [] } = before;
  if (before.incarnation === incarnation) return former.length === 0 ? {} : { former };
  return { former: [before.incarnation, ...former].slice(0, most.former) };
}

/** How events fold. */
export const events = {
  "hello@1": (
    { hosts }: Hosts,
    { host, ...told }: Omit<Host, "since" | "former"> & { host: string },
    { time }: EventMeta,
  ) => hosts.set(host, { ...told, since: time, ...formerOf(hosts.get(host), told.incarnation) }),
  "named@1": (
    { names }: Hosts,
    {
      host,
      facet,
      add,
      remove,
    }: { host: string; facet: string; add: readonly string[]; remove: readonly string[] },
  ) => {
    const gone = new Set([...add, ...remove]);
    const kept = (names.get(`${host}/${facet}`) ?? []).filter((name) => !gone.has(name));
    names.set(`${host}/${facet}`, [...kept, ...add]);
  },
  "queued@1": (slice: Hosts, { id, ...told }: Queued, { seq, time, subject }: EventMeta) => {
    slice.keys.set(told.key, id);
    set(slice, id, {
      ...told,
      n: seq,
      by: subject,
      state: "queued",
      since: time,
      deadline: time + told.ttl,
      again: 0,
      ...unclaimed,
    });
  },
  "redriven@1": (slice: Hosts, { id }: { id: string }, meta: EventMeta) =>
    change(
      slice,
      id,
      ({ again, ttl }) => ({
        n: meta.seq,
        state: "queued",
        deadline: meta.time + ttl,
        again: again + 1,
        ...unclaimed,
      }),
      meta,
    ),
  "claimed@1": (slice: Hosts, { id, incarnation }: { id: string; incarnation: string }, meta: EventMeta) =>
    change(slice, id, () => ({ state: "claimed", claim: incarnation }), meta),
  "running@1": (slice: Hosts, { id, before }: { id: string; before: Json }, meta: EventMeta) =>
    change(slice, id, ({ ttl }) => ({ state: "running", before, deadline: meta.time + ttl }), meta),
  "ended@1": (slice: Hosts, { id, ...told }: Ended, meta: EventMeta) => change(slice, id, () => told, meta),
  "told@1": ({ told }: Hosts, { key, text }: { key: string; text: string }) => told.set(key, text),
  "forgotten@1": (slice: Hosts, { ids }: { ids: readonly string[] }) => {
    for (const id of ids) {
      slice.keys.delete(slice.tickets.get(id)?.key ?? "");
      slice.tickets.delete(id);
    }
    setDue(slice);
  },
} as const;

const unclaimed = { claim: "", before: null, evidence: null, reason: "", output: "" } as const;

/** Makes events of hosts. */
export const emit = emitter(events);
