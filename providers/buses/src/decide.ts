import { faults } from "@skep/fault";
import type { Deciding, Decision, Json } from "@skep/kernel";
import { checkWorking, type Uses } from "./access.ts";
import type { BusAdapter } from "./adapters.ts";
import { type BusLine, LinkLine } from "./schema.ts";
import {
  type Bridge,
  type Buses,
  emit,
  type Ended,
  isOver,
  keepMs,
  type LinkState,
  most,
  type Write,
} from "./state.ts";

const fault = faults("bus", {
  role: ["denied", "Cannot write a point with the ticket of a bridge", { detail: "denied" }],
  point: [
    "absent",
    "Cannot write: the bridge names no such point that may be written",
    { detail: "invalid-path" },
  ],
  act: [
    "conflict",
    "Cannot do this to a point of the other kind: written ones show what they are, operated ones do not",
  ],
  taken: ["conflict", "Cannot queue write: there is another one of this id or key"],
  stale: ["stale", "Cannot queue write: it was issued more than a day ago", { cure: "Issue a new one" }],
  many: ["quota", "Cannot queue another write: the limit is reached", { detail: "buffer-full" }],
  unknown: ["absent", "Cannot find write of this bus"],
  state: ["conflict", "Cannot do this to a write in this state"],
  superseded: ["stale", "Cannot act: this bus's bridge was started anew", { cure: "End the older one" }],
  link: ["invalid", "Cannot set link: write online, or offline and why", { detail: "invalid-payload" }],
});

export type At = Deciding<Buses, Uses>;
type Of<Op extends BusLine["op"]> = Extract<BusLine, { op: Op }>;

/** The link of an adapter as it is, or as it is configured to begin. */
export function linkOf({ links }: Buses, name: string, adapter: BusAdapter): LinkState {
  return links.get(name) ?? { state: adapter.link, since: 0, reason: "" };
}

/** Decides one line of `link`. Throws `bus.link`. */
export function decideLink(text: string, at: At, adapter: BusAdapter): Decision {
  const read = LinkLine.safeParse(text.trim());
  if (!read.success) throw fault.link();
  const [word = "", ...rest] = read.data.split(/\s+/);
  const state = word === "online" ? "online" : "offline";
  const name = at.params.bus ?? "";
  const reason = rest.join(" ");
  const before = linkOf(at.state, name, adapter);
  if (before.state === state && before.reason === reason && at.state.links.has(name)) return { events: [] };
  return { events: [emit("linked@1", { adapter: name, state, reason })], result: { link: state } };
}

function checkPoint({ op, point }: Of<"write"> | Of<"operate">, bridge: Bridge | undefined): void {
  const { writable = [], operable = [] } = bridge ?? {};
  if ((op === "write" ? writable : operable).includes(point)) return;
  if (operable.includes(point)) throw fault.act(point, { cure: '{"op":"operate", …}' });
  if (writable.includes(point)) throw fault.act(point, { cure: '{"op":"write", …}' });
  throw fault.point(point);
}

function ask(line: Of<"write"> | Of<"operate">, at: At): Decision {
  const { state, params, caller, views, now } = at;
  const { bus = "" } = params;
  if (caller.role.startsWith("worker")) throw fault.role(caller.role);
  checkWorking(views);
  const { id, idempotency_key: key = id, point, value, ttl_s, issued_unix_ms } = line;
  if (issued_unix_ms !== undefined && issued_unix_ms < now - keepMs) throw fault.stale(id);
  const known = state.writes.has(id) ? id : state.keys.get(`${bus} ${key}`);
  const before = known === undefined ? undefined : state.writes.get(known);
  if (before) {
    if (before.bus !== bus || before.key !== key || before.point !== point || before.value !== value)
      throw fault.taken(id);
    return { events: [], result: { id: known ?? id, state: before.state, known: true } };
  }
  checkPoint(line, state.bridges.get(bus));
  if (state.open.size >= most.open) throw fault.many(`${most.open} are open`);
  if (state.writes.size >= most.kept) throw fault.many(`${most.kept} within a day`);
  return {
    events: [emit("asked@1", { id, key, bus, point, value, ttl: ttl_s * 1000 })],
    result: { id, state: "queued" },
  };
}

function writeOf({ state, params }: At, id: string): Write {
  const write = state.writes.get(id);
  if (!write || write.bus !== params.bus) throw fault.unknown(id);
  return write;
}

// Whoever began it may still tell what came of it, though the hive had given it up: it is not done again for that.
const tellable = ({ state, claim, evidence }: Write): boolean =>
  state === "claimed" || state === "running" || (state === "unknown" && claim !== "" && evidence === null);

function report(line: Of<"report">, at: At): Decision {
  const { ticket: id, state, reason, evidence } = line;
  const write = writeOf(at, id);
  if (isOver(write.state) && write.state === state) return { events: [], result: { id, known: true } };
  if (!tellable(write)) throw fault.state(`${id} is ${write.state}`);
  return { events: [emit("ended@1", { id, state, reason, evidence: evidence as Json })] };
}

/** Throws `bus.superseded` where another bridge took the place of this one. */
export function checkFormer({ bridges }: Buses, adapter: string, incarnation: string): void {
  if (bridges.get(adapter)?.former?.includes(incarnation)) throw fault.superseded(adapter);
}

function hello(
  { incarnation, version, points, writable, operable }: Of<"hello">,
  { state, params }: At,
): Decision {
  const adapter = params.bus ?? "";
  checkFormer(state, adapter, incarnation);
  const more = operable.length === 0 ? {} : { operable };
  return { events: [emit("hello@1", { adapter, incarnation, version, points, writable, ...more })] };
}

/** Throws `bus.superseded` where another bridge said hello since. */
export function checkBridge({ bridges }: Buses, adapter: string, incarnation: string): void {
  if (bridges.get(adapter)?.incarnation !== incarnation) throw fault.superseded(adapter);
}

function begin(line: Of<"claim"> | Of<"running">, at: At): Decision {
  const { incarnation, ticket: id } = line;
  const { state, claim } = writeOf(at, id);
  if (line.op === "claim") {
    if (state === "claimed" && claim === incarnation) return { events: [] };
    // One that an earlier start claimed and had not begun.
    if (state !== "queued" && state !== "claimed") throw fault.state(`${id} is ${state}`);
    return { events: [emit("claimed@1", { id, incarnation })] };
  }
  if (state !== "claimed" || claim !== incarnation) throw fault.state(`${id} is ${state}`);
  return { events: [emit("running@1", { id, before: line.before as Json })] };
}

/** Decides one line of a bus's `ctl`. */
export function decideBus(line: BusLine, at: At): Decision {
  const adapter = at.params.bus ?? "";
  if (line.op === "write" || line.op === "operate") return ask(line, at);
  if (line.op === "poll" || line.op === "note") {
    checkWorking(at.views);
    return { events: [emit("noted@1", { adapter, op: line.op, text: line.op === "note" ? line.text : "" })] };
  }
  if (line.op === "hello") return hello(line, at);
  checkBridge(at.state, adapter, line.incarnation);
  return line.op === "report" ? report(line, at) : begin(line, at);
}

/** When the next write ends by itself or is forgotten; undefined for never. */
export function nextWrite({ open, writes }: Buses): number | undefined {
  const times = [...open.values()];
  for (const { state, since } of writes.values())
    if (isOver(state)) {
      times.push(since + keepMs);
      break;
    }
  return times.length === 0 ? undefined : Math.min(...times);
}

function endOf(id: string, { state }: Write): Ended {
  if (state === "queued")
    return { id, evidence: null, state: "expired", reason: "nobody claimed it in time" };
  if (state === "claimed")
    return { id, evidence: null, state: "expired", reason: "claimed, and not begun in time" };
  return { id, evidence: null, state: "unknown", reason: "begun, and not reported in time" };
}

const mostAtOnce = 100;

/** Ends what nobody told about in time, and forgets what ended a day ago. */
export function expireWrites({ state, now }: At): Decision["events"] {
  const late = [...state.open.entries()].filter(([, deadline]) => deadline <= now).slice(0, mostAtOnce);
  const ended = late.flatMap(([id]) => {
    const write = state.writes.get(id);
    return write ? [emit("ended@1", endOf(id, write))] : [];
  });
  const ids: string[] = [];
  for (const [id, write] of state.writes.entries()) {
    if (!isOver(write.state)) continue;
    if (write.since + keepMs > now || ids.length >= mostAtOnce) break;
    ids.push(id);
  }
  return ids.length === 0 ? ended : [...ended, emit("forgotten@1", { ids })];
}
