import type { Json } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import type { BusAdapter, LoraAdapter } from "./adapters.ts";
import type { Bridge, Buses, Frame, Outcome, Tamper, Write } from "./state.ts";
import { isOver } from "./state.ts";

const wire = (value: unknown): string => {
  const text = escapeForeign(typeof value === "object" ? JSON.stringify(value) : String(value), {
    form: "wire",
  });
  return /[\s"]|^$/.test(text) ? JSON.stringify(text) : text;
};

/** One line of words with values. */
export function lineOf(row: Readonly<Record<string, unknown>>): string {
  const words = Object.entries(row).filter(([, value]) => value !== undefined);
  return `${words.map(([name, value]) => `${name}=${wire(value)}`).join(" ")}\n`;
}

/** A write as a row. */
export function writeRow(id: string, write: Write): Record<string, Json> {
  const { n, point, value, state, since, by, reason } = write;
  return {
    ...{ id, state, point, value, n, since_ms: since, by },
    ...(reason === "" ? {} : { reason }),
  };
}

/** The same with all that is known, as a bridge takes it. */
export function writeJson(id: string, write: Write): Json {
  const { key, value, ttl, deadline, before, evidence, point, state } = write;
  return {
    ...writeRow(id, write),
    ...{ action: "bus.write", target: point, params: { value }, idempotency_key: key, ttl_s: ttl / 1000 },
    ...{ before, evidence },
    ...(isOver(state) ? {} : { deadline_ms: deadline }),
  };
}

/** Writes of a bus, by their last change. */
export function writesOf({ writes }: Buses, bus: string): [string, Write][] {
  return [...writes.entries()].filter(([, write]) => write.bus === bus);
}

/** Its open ones, the oldest first. */
export function pendingOf({ open, writes }: Buses, bus: string): [string, Write][] {
  const found = [...open.keys()].flatMap((id): [string, Write][] => {
    const write = writes.get(id);
    return write?.bus === bus ? [[id, write]] : [];
  });
  return found.sort(([, one], [, other]) => one.n - other.n);
}

const bridgeRow = (bridge: Bridge | undefined): Record<string, Json> =>
  bridge
    ? { bridge: bridge.version, incarnation: bridge.incarnation, bridge_since_ms: bridge.since }
    : { bridge: "none" };

/** A bus as it is configured, and who serves it. */
export function busInfo(adapter: BusAdapter, bridge: Bridge | undefined): Record<string, Json> {
  const { id, protocol, scope, serial, spool, replay } = adapter;
  return {
    ...{ id, protocol, scope, ...(serial === 0 ? {} : { serial }) },
    ...{ spool_entries: spool.entries, spool_bytes: spool.bytes, replay },
    ...bridgeRow(bridge),
    ...(bridge ? { points: [...bridge.points], writable: [...bridge.writable] } : {}),
    ...(bridge?.operable ? { operable: [...bridge.operable] } : {}),
  };
}

/** A radio as it is configured, and who serves it. */
export function loraInfo(radio: LoraAdapter, bridge: Bridge | undefined): Record<string, Json> {
  const { id, scope, region, duty, window, payload, airtime } = radio;
  return {
    ...{ id, scope, region, duty_percent: duty, window_ms: window, payload_bytes: payload },
    ...(airtime === "bytes" ? { airtime } : airtime),
    ...bridgeRow(bridge),
  };
}

/** A refused transmission. */
export function tamperLine({ ts, reason, bytes, count }: Tamper): string {
  return `tamper ts_ms=${ts} reason=${reason} bytes=${bytes}${count > 1 ? ` count=${count}` : ""}\n`;
}

/** A granted transmission, as a gateway takes it. */
export function frameJson(n: string, { at, ms, payload, by, state, claim }: Frame): Json {
  return { n: Number(n), at_ms: at, airtime_ms: ms, b64: payload, by, state, claim };
}

/** A transmission that is over, as a row. */
export function outcomeRow({ n, at, ms, bytes, by, state, reason, since }: Outcome): Record<string, Json> {
  const row = { n, state, at_ms: at, airtime_ms: ms, bytes, since_ms: since, by };
  return reason === "" ? row : { ...row, reason };
}

/** Granted transmissions of a radio, in their order. */
export function framesOf({ frames }: Buses, radio: string): [string, Frame][] {
  return [...frames.entries()]
    .filter(([, frame]) => frame.radio === radio)
    .sort(([, one], [, other]) => one.at - other.at);
}
