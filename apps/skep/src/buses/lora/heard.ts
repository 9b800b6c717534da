import { createHash } from "node:crypto";
import { type Datagram, decodeDatagram, type Rxpk, type TxpkAck } from "@skep/lora";
import { toFault } from "@skep/fault";
import type { Rules } from "./rules.ts";

/** Where a datagram came from. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** What came of a datagram. */
export type Verdict =
  | "taken"
  /** Every frame of it was told before. */
  | "repeated"
  /** A gateway that the rules do not name. */
  | "unknown"
  /** A gateway of the rules, from elsewhere than they say. */
  | "forged"
  | "malformed"
  | "oversized"
  | "version"
  /** Only servers say such a thing. */
  | "direction"
  /** An answer to what was not asked, or from another. */
  | "stray"
  /** More frames than the rules take in a second. */
  | "flood"
  /** It could not be kept, and is not acknowledged. */
  | "unkept";

/** What is to be done about a datagram. */
export interface Judged {
  readonly verdict: Verdict;
  /** Lines to keep before it is acknowledged. */
  readonly lines: readonly object[];
  /** Its acknowledgement. */
  readonly answer?: Datagram;
  readonly ack?: { readonly token: number; readonly gateway: string; readonly ack: TxpkAck };
}

/** A gateway as it was heard. */
interface Known {
  /** Where it asked for work from last, and when, monotonic milliseconds. */
  place: Place | undefined;
  pulled: number;
  /** Frames that it may still tell of, and since when they count. */
  left: number;
  since: number;
  /** Frames that it told of, the newest last. */
  readonly told: Set<string>;
}

const mostTold = 2048;
const burst = 4;

const refusals: Readonly<Record<string, Verdict>> = {
  "lora-udp.long": "oversized",
  "lora-udp.version": "version",
};

// A counter of microseconds and the bytes: a gateway hears no frame twice in one microsecond.
const nameOf = ({ tmst, freq, datr, data }: Rxpk): string =>
  createHash("sha256").update(`${tmst} ${freq} ${datr} `).update(data).digest("base64url").slice(0, 22);

function lineOf({ tmst, freq, chan, datr, codr, rssi, lsnr, data, time }: Rxpk, gateway: string, at: number) {
  return {
    ...{ at_ms: at, gateway, tmst, freq, datr, rssi },
    ...(lsnr === undefined ? {} : { snr: lsnr }),
    ...(codr === undefined ? {} : { codr }),
    ...(chan === undefined ? {} : { chan }),
    ...(time === undefined ? {} : { time }),
    ...{ bytes: data.length, b64: data.toString("base64") },
  };
}

const nothing = { lines: [] } as const;

/** Judges what comes from gateways, and knows where each of them is. */
export class Gateways {
  readonly #known = new Map<string, Known>();

  #one(eui: string): Known {
    const before = this.#known.get(eui);
    if (before) return before;
    const made: Known = { place: undefined, pulled: 0, left: Number.NaN, since: 0, told: new Set() };
    this.#known.set(eui, made);
    return made;
  }

  /** The first gateway of the rules that asked for work within its keepalive; `now` is monotonic. */
  ready(rules: Rules, now: number): { readonly eui: string; readonly place: Place } | undefined {
    for (const { eui, from } of rules.gateway) {
      const { place, pulled = 0 } = this.#known.get(eui) ?? {};
      if (!place || now - pulled > rules.radio.keepalive) continue;
      if (from === undefined || from === place.address) return { eui, place };
    }
    return undefined;
  }

  /** Judges one datagram; `now` is monotonic, `at` the wall clock, both milliseconds. */
  judge(bytes: Uint8Array, from: Place, rules: Rules, now: number, at: number): Judged {
    let read: Datagram;
    try {
      read = decodeDatagram(bytes);
    } catch (thrown) {
      return { verdict: refusals[toFault(thrown).code] ?? "malformed", ...nothing };
    }
    if (!("gateway" in read)) return { verdict: "direction", ...nothing };
    const { gateway: eui } = read;
    const named = rules.gateway.find((one) => one.eui === eui);
    if (!named) return { verdict: "unknown", ...nothing };
    if (named.from !== undefined && named.from !== from.address) return { verdict: "forged", ...nothing };
    const known = this.#one(eui);
    if (read.kind === "push-data") return this.#pushed(read, known, rules, now, at);
    if (read.kind === "tx-ack")
      return { verdict: "taken", ...nothing, ack: { token: read.token, gateway: eui, ack: read.ack } };
    known.place = from;
    known.pulled = now;
    return { verdict: "taken", ...nothing, answer: { kind: "pull-ack", token: read.token } };
  }

  #pushed(
    read: Extract<Datagram, { kind: "push-data" }>,
    known: Known,
    { radio }: Rules,
    now: number,
    at: number,
  ): Judged {
    const { rxpk, stat, unreadable, gateway } = read;
    const answer = { kind: "push-ack", token: read.token } as const;
    // What the radio took for a frame and its checksum denies is none.
    const whole = rxpk.filter((one) => one.stat >= 0);
    const fresh = new Map(
      whole.map((one) => [nameOf(one), one] as const).filter(([name]) => !known.told.has(name)),
    );
    if (rxpk.length === 0 && !stat && unreadable > 0) return { verdict: "malformed", ...nothing };
    if (whole.length > 0 && fresh.size === 0) return { verdict: "repeated", ...nothing, answer };
    if (!room(known, Math.max(1, fresh.size), radio.most, now)) return { verdict: "flood", ...nothing };
    for (const name of fresh.keys()) known.told.add(name);
    for (const oldest of known.told) {
      if (known.told.size <= mostTold) break;
      known.told.delete(oldest);
    }
    const lines: object[] = [...fresh.values()].map((one) => lineOf(one, gateway, at));
    if (stat) lines.push({ at_ms: at, gateway, stat });
    return { verdict: "taken", lines, answer };
  }

  /** What could not be kept is no repetition when it comes again. */
  forget(bytes: Uint8Array): void {
    const read = decodeDatagram(bytes);
    if (read.kind !== "push-data") return;
    for (const one of read.rxpk) this.#known.get(read.gateway)?.told.delete(nameOf(one));
  }
}

function room(known: Known, wanted: number, perSecond: number, now: number): boolean {
  const top = perSecond * burst;
  const before = Number.isNaN(known.left) ? top : known.left;
  known.left = Math.min(top, before + ((now - known.since) / 1000) * perSecond);
  known.since = now;
  if (known.left < wanted) return false;
  known.left -= wanted;
  return true;
}
