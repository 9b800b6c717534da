import { type Clock, delay } from "@skep/clock";
import { toFault } from "@skep/fault";
import type { Txpk } from "@skep/lora";
import { counted, earliest, type Slot } from "@skep/provider-buses";
import { z } from "zod";
import type { Work } from "../../attached/attached.ts";
import { fault } from "./faults.ts";
import type { FrameMemory, Told } from "./memory.ts";
import { type Downlink, onAirMs, type Rules } from "./rules.ts";

const Granted = z.object({
  n: z.int().min(0),
  at_ms: z.number(),
  airtime_ms: z.number(),
  b64: z.string(),
  state: z.enum(["granted", "begun"]),
  claim: z.string(),
});

/** A granted frame as `schedule.json` of a radio tells it. */
export type Granted = Readonly<z.output<typeof Granted>>;

const Schedule = z.array(Granted);

/** Reads `schedule.json`: its numbers are remembered over starts. Throws `gateway.schedule`. */
export function readSchedule(text: string): readonly Granted[] {
  try {
    return Schedule.parse(JSON.parse(text));
  } catch (cause) {
    throw fault.schedule(undefined, { cause });
  }
}

/** What sending needs. */
export interface DownlinkDeps {
  schedule(): Promise<readonly Granted[]>;
  /** Says one line to the hive; resolves once that is durable there. Throws the fault of a refusal. */
  say(line: object): Promise<void>;
  /** Names this start of the agent, once it has one. */
  incarnation(): string;
  /** Read again before each frame, so that a change of the file counts at once. */
  readonly rules: () => Rules;
  /** Whether a gateway is there. */
  ready(): boolean;
  /** Asks a gateway, once. */
  transmit(txpk: Txpk): Promise<Told>;
  readonly memory: FrameMemory;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** So long before its time the hive is told that a frame is begun, milliseconds. */
const lead = 500;
const mostData = 255;
const look = 50;

const isGone = (code: string): boolean => code === "lora.unknown" || code === "lora.state";

/**
 * Sends what the hive granted, each frame at its time and at most once. Before it is handed to a gateway the hive and this
 * disk have written down that it was begun; whoever finds it begun later does not send it.
 */
export class Downlinks implements Work {
  readonly #deps: DownlinkDeps;
  #running: Promise<void> | undefined;
  #asked = false;

  constructor(deps: DownlinkDeps) {
    this.#deps = deps;
  }

  async drive(): Promise<void> {
    this.#asked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal, log, clock } = this.#deps;
    while (this.#asked && !signal.aborted) {
      this.#asked = false;
      try {
        const schedule = await this.#deps.schedule();
        await this.#former(new Set(schedule.map(({ n }) => n)));
        for (const frame of schedule) await this.#one(frame);
      } catch (thrown) {
        if (signal.aborted) return;
        log(`frames: ${toFault(thrown).message}`);
        this.#asked = true;
        await delay(clock, 1000, signal).catch(() => undefined);
      }
    }
  }

  // The hive gave these up by itself; what is known of them here is better.
  async #former(waiting: ReadonlySet<number>): Promise<void> {
    const { memory } = this.#deps;
    for (const n of memory.numbers()) {
      if (waiting.has(n)) continue;
      const kept = memory.get(n);
      if (kept?.told) await this.#tell(n, kept.told);
      else memory.forget(n);
    }
  }

  async #one(frame: Granted): Promise<void> {
    const { memory, incarnation } = this.#deps;
    const { n, state, claim } = frame;
    const kept = memory.get(n);
    if (kept?.told) return this.#tell(n, kept.told);
    if (kept?.begun) return this.#end(n, unsure("the agent ended while a gateway was asked to send it"));
    if (state === "begun" && claim !== incarnation())
      return this.#end(
        n,
        kept ? refused("the agent ended before it was sent") : unsure("another start of the agent began it"),
      );
    if (!kept && n <= memory.cursor)
      return this.#end(n, unsure("it was taken before, and the hive went back since"));
    memory.put(n, { begun: false });
    try {
      await this.#send(frame);
    } catch (thrown) {
      this.#deps.signal.throwIfAborted();
      const { code, message } = toFault(thrown);
      // The hive gave it up meanwhile: it is not sent.
      if (isGone(code)) return memory.forget(n);
      if (!code.startsWith("gateway.")) throw thrown;
      await this.#end(n, refused(message));
    }
  }

  // Throws why it is not sent; then nothing of it was.
  async #send(frame: Granted): Promise<void> {
    const { clock, signal, memory } = this.#deps;
    const data = Buffer.from(frame.b64, "base64");
    this.#checked(frame, data);
    await this.#until(frame.at_ms - lead);
    await this.#deps.say({ op: "begin", frame: frame.n });
    await this.#until(frame.at_ms);
    for (;;) {
      signal.throwIfAborted();
      const downlink = this.#checked(frame, data);
      const ms = onAirMs(downlink, data.length);
      const now = clock.now();
      const slots = counted(memory.slots, now, downlink.budget);
      const begin = earliest(slots, ms, now, downlink.budget);
      if (begin === undefined || begin > frame.at_ms + downlink.late) throw fault.duty(`${ms} ms`);
      if (begin > now) await this.#until(begin);
      else if (this.#deps.ready()) return this.#transmit(frame.n, data, downlink, slots);
      else if (now > frame.at_ms + downlink.late - look) throw fault.away();
      else await delay(clock, look, signal);
    }
  }

  async #transmit(n: number, data: Buffer, downlink: Downlink, slots: readonly Slot[]): Promise<void> {
    const { memory, transmit } = this.#deps;
    const ms = onAirMs(downlink, data.length);
    memory.put(n, { begun: true }, [...slots, { at: this.#deps.clock.now(), ms }]);
    const {
      freq,
      rate: datr,
      coding: codr,
      power: powe,
      chain: rfch,
      invert: ipol,
      preamble: prea,
    } = downlink;
    const txpk = { imme: true, freq, rfch, powe, modu: "LORA", datr, codr, ipol, prea, data } as const;
    const told = await transmit(txpk);
    // It began before the answer: whatever follows is counted from the latest that it can have been.
    const last = told.state === "refused" ? [] : [{ at: this.#deps.clock.now(), ms }];
    await this.#end(n, told, [...slots, ...last]);
  }

  #checked({ at_ms, airtime_ms }: Granted, data: Buffer): Downlink {
    const { downlink } = this.#deps.rules();
    if (!downlink) throw fault.silent();
    if (data.length > mostData) throw fault.bytes(`${data.length} of ${mostData} bytes`);
    const ms = onAirMs(downlink, data.length);
    if (ms > airtime_ms) throw fault.airtime(`${ms} of ${airtime_ms} ms`);
    const over = this.#deps.clock.now() - at_ms;
    if (over > downlink.late) throw fault.late(`${over} ms ago`);
    return downlink;
  }

  async #until(at: number): Promise<void> {
    const { clock, signal } = this.#deps;
    // A clock that is set while one waits is looked at again.
    for (let left = at - clock.now(); left > 0; left = at - clock.now())
      await delay(clock, Math.min(left, 60_000), signal);
  }

  async #end(n: number, told: Told, slots?: readonly Slot[]): Promise<void> {
    const { memory } = this.#deps;
    memory.put(n, { begun: memory.get(n)?.begun ?? false, told }, slots);
    await this.#tell(n, told);
  }

  async #tell(n: number, { state, reason }: Told): Promise<void> {
    const { say, memory, log } = this.#deps;
    try {
      await say({ op: "told", frame: n, state, reason: reason.slice(0, 500) });
    } catch (thrown) {
      if (!isGone(toFault(thrown).code)) throw thrown;
    }
    memory.forget(n);
    log(`frame ${n} ${state}${reason === "" ? "" : `: ${reason}`}`);
  }
}

const unsure = (reason: string): Told => ({ state: "unsure", reason });
const refused = (reason: string): Told => ({ state: "refused", reason });
