import { faults } from "@skep/fault";
import type { Decision, JournalRecord } from "@skep/kernel";
import { checkWorking } from "./access.ts";
import type { LoraAdapter, Mounted } from "./adapters.ts";
import { airtimeMs } from "./airtime.ts";
import { type At, checkBridge, checkFormer } from "./decide.ts";
import { counted, duty, earliest } from "./duty.ts";
import type { LoraLine } from "./schema.ts";
import { type Buses, emit, frameMs, most, type Tamper } from "./state.ts";

const fault = faults("lora", {
  oversize: [
    "oversize",
    "Cannot send: the payload is longer than the radio's limit",
    { detail: "payload-oversize" },
  ],
  duty: [
    "quota",
    "Cannot send: the duty cycle of the radio has no room for it",
    { cure: 'Say how long it may wait: {"op":"send","b64":…,"within_s":60}', detail: "duty-cycle" },
  ],
  many: ["quota", "Cannot grant another transmission: the limit is reached", { detail: "buffer-full" }],
  unknown: ["absent", "Cannot find transmission of this radio"],
  state: ["conflict", "Cannot do this to a transmission in this state"],
});

function send({ b64, within_s }: Extract<LoraLine, { op: "send" }>, at: At, radio: LoraAdapter): Decision {
  checkWorking(at.views);
  const { state, params, now, next } = at;
  const name = params.radio ?? "";
  const bytes = Buffer.from(b64, "base64").length;
  if (bytes > radio.payload) throw fault.oversize(`${bytes} of ${radio.payload} bytes`);
  if (state.frames.size >= most.frames) throw fault.many(`${most.frames} wait for their gateways`);
  const budget = duty(radio.duty, radio.window);
  const slots = counted(state.slots.get(name) ?? [], now, budget);
  const ms = airtimeMs(radio.airtime, bytes);
  const begin = earliest(slots, ms, now, budget);
  if (begin === undefined) throw fault.duty(`${ms} of ${budget.budgetMs} ms in ${radio.window} ms`);
  // That another is on the air at the moment is no matter of the duty cycle.
  const last = slots.at(-1);
  const soonest = Math.max(now, last ? last.at + last.ms : now);
  if (begin > soonest + within_s * 1000) throw fault.duty(`there is room in ${begin - now} ms`);
  return {
    events: [
      emit("granted@1", {
        ...{ n: next, radio: name, at: begin, ms, payload: b64, since: now - radio.window },
      }),
    ],
    result: { n: next, at_ms: begin, airtime_ms: ms },
  };
}

type Of<Op extends LoraLine["op"]> = Extract<LoraLine, { op: Op }>;

function begin({ incarnation, frame: n }: Of<"begin">, { state, params }: At): Decision {
  const frame = state.frames.get(String(n));
  if (!frame || frame.radio !== params.radio) throw fault.unknown(n);
  if (frame.state === "granted") return { events: [emit("begun@1", { n, incarnation })] };
  // A connection that was lost may have told it already; another start may have sent it.
  if (frame.claim !== incarnation) throw fault.state(`${n} is begun`);
  return { events: [] };
}

function tell({ frame: n, state: ended, reason }: Of<"told">, { state, params }: At): Decision {
  const { radio = "" } = params;
  const told = emit("told@1", { radio, n, state: ended, reason, told: true });
  if (state.frames.get(String(n))?.radio === radio) return { events: [told] };
  const known = state.outcomes.get(radio)?.find((one) => one.n === n);
  if (!known) throw fault.unknown(n);
  if (!known.told) return { events: [told] };
  if (known.state === ended) return { events: [], result: { n, known: true } };
  throw fault.state(`${n} is ${known.state}`);
}

/** Decides one line of a radio's `ctl`. */
export function decideLora(line: LoraLine, at: At, radio: LoraAdapter): Decision {
  const name = at.params.radio ?? "";
  if (line.op === "send") return send(line, at, radio);
  if (line.op === "hello") {
    const { incarnation, version } = line;
    checkFormer(at.state, `lora/${name}`, incarnation);
    return {
      events: [emit("hello@1", { adapter: `lora/${name}`, incarnation, version, points: [], writable: [] })],
    };
  }
  checkBridge(at.state, `lora/${name}`, line.incarnation);
  if (line.op === "begin") return begin(line, at);
  if (line.op === "told") return tell(line, at);
  const ns = line.frames.filter((n) => at.state.frames.get(String(n))?.radio === name);
  const sent = { radio: name, state: "sent", reason: "", told: true } as const;
  return { events: ns.map((n) => emit("told@1", { ...sent, n })) };
}

const reasons: Readonly<Record<string, Tamper["reason"]>> = {
  "lora.oversize": "payload-oversize",
  "lora.duty": "duty-cycle",
};

type Seen = Tamper & { readonly radio: string; readonly seq: number };

/** What a record tells of a refused transmission; undefined for every other record. */
export function tamperOf({ path, verdict, command, seq, time, judged }: JournalRecord): Seen | undefined {
  const reason = verdict.ok ? undefined : reasons[verdict.code ?? ""];
  const radio = /^\/lora\/([^/]+)\/ctl$/.exec(path)?.[1];
  if (reason === undefined || radio === undefined) return undefined;
  const { b64 = "" } = (command ?? {}) as { readonly b64?: string };
  const bytes = Buffer.from(b64, "base64").length;
  return { radio, seq, ts: judged?.time ?? time, reason, bytes, count: verdict.count ?? 1 };
}

/** Refused transmissions whose records are durable, and that the tamper logs do not have yet. */
export class Tampers {
  readonly #radios: Mounted<LoraAdapter>;
  #seen: Seen[] = [];

  constructor(radios: Mounted<LoraAdapter>) {
    this.#radios = radios;
  }

  recorded(record: JournalRecord): void {
    const seen = tamperOf(record);
    if (seen && this.#radios.has(seen.radio)) this.#seen.push(seen);
  }

  #fresh({ tampers }: Buses): Seen[] {
    this.#seen = this.#seen.filter(({ radio, seq }) => seq > (tampers.get(radio)?.seq ?? -1));
    return this.#seen;
  }

  next(state: Buses): number | undefined {
    return this.#fresh(state)[0]?.ts;
  }

  events(state: Buses): Decision["events"] {
    const found = Map.groupBy(this.#fresh(state), ({ radio }) => radio);
    return [...found].map(([radio, all]) =>
      emit("tampered@1", {
        radio,
        seq: all.at(-1)?.seq ?? 0,
        most: this.#radios.get(radio)?.tamper ?? 0,
        entries: all.map(({ ts, reason, bytes, count }) => ({ ts, reason, bytes, count })),
      }),
    );
  }
}

/** When the next granted transmission is given up; undefined for never. */
export function nextFrame({ frames }: Buses): number | undefined {
  let next: number | undefined;
  for (const { at, ms } of frames.values())
    next = Math.min(next ?? Number.POSITIVE_INFINITY, at + ms + frameMs);
  return next;
}

/** Gives up transmissions that no gateway told of: what was not begun was not sent. */
export function expireFrames({ state, now }: At): Decision["events"] {
  const late = [...state.frames.entries()].filter(([, { at, ms }]) => at + ms + frameMs <= now);
  return late.slice(0, 100).map(([n, { radio, state: was }]) =>
    emit("told@1", {
      ...{ radio, n: Number(n), told: false },
      ...(was === "begun"
        ? { state: "unsure", reason: "begun, and not told of in time" }
        : { state: "expired", reason: "no gateway began it in time" }),
    }),
  );
}
