import { setPriority } from "node:os";
import type { Clock } from "@skep/clock";
import { judge, type Judgement, noRules, type Observations, type Rules } from "@skep/owner";
import { DesktopWatch } from "./desktop.ts";
import { GpuWatch } from "./gpu.ts";
import { InputWatch } from "./input.ts";
import { hottest, onBattery } from "./power.ts";
import { Memory, OthersCpu, Programs } from "./proc.ts";

/** Where a machine is looked at; tests give trees of their own. */
export interface Sources {
  /** `/proc`. */
  readonly proc: string;
  /** `/sys`. */
  readonly sys: string;
  /** `/dev/input`. */
  readonly devices: string;
  /** Address of the system bus. */
  readonly bus: string;
  /** Processes which, with all below them, are our own. */
  readonly own: () => readonly number[];
}

/** The places of the machine itself. */
export function realSources(own: () => readonly number[]): Sources {
  return {
    proc: "/proc",
    sys: "/sys",
    devices: "/dev/input",
    bus: process.env.DBUS_SYSTEM_BUS_ADDRESS ?? "unix:path=/run/dbus/system_bus_socket",
    own,
  };
}

/** How often what tells nothing by itself is looked at, milliseconds. */
export const periods = {
  memory: 250,
  cpu: 500,
  battery: 500,
  temperature: 1000,
  program: 1000,
  gpu: 1000,
  calendar: 1000,
} as const;
const step = 250;

/** What led to a judgement. */
export interface Cause {
  /** When it was seen here, by `performance.now()`. */
  readonly detected: number;
  /** When it was, milliseconds since 1970, where it tells that itself. */
  readonly event?: number;
}

/** What a watch is made of. */
export interface WatchOptions {
  readonly sources: Sources;
  readonly clock: Clock;
  readonly rules: Rules;
  /** Told of every judgement of another state or another first reason. */
  readonly changed: (judgement: Judgement, cause: Cause) => void;
}

type Seen = Partial<Record<keyof Observations, unknown>>;

function localOf(now: number): Observations["local"] {
  const at = new Date(now);
  const two = (value: number) => String(value).padStart(2, "0");
  return {
    weekday: (at.getDay() + 6) % 7,
    minute: at.getHours() * 60 + at.getMinutes() + at.getSeconds() / 60,
    date: `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
  };
}

/** Whoever has to stop others must not wait behind them: a few microseconds now and then, at once. Only root may. */
function hurry(): void {
  try {
    setPriority(process.pid, -10);
  } catch {
    // Then it is as quick as the others let it be.
  }
}

/** Looks at a machine as far as its owner's rules ask for it, and judges. */
export class OwnerWatch implements Disposable {
  readonly #options: WatchOptions;
  readonly #cpu: OthersCpu;
  readonly #memory: Memory;
  readonly #programs: Programs;
  readonly #gpu: GpuWatch;
  #input: InputWatch | undefined;
  #desktop: DesktopWatch | undefined;
  #rules: Rules;
  #seen: Seen = {};
  #touched: number | undefined;
  #pause: Observations["pause"] | undefined;
  #broken: string | undefined;
  #now: Judgement | undefined;
  #timer: NodeJS.Timeout | undefined;
  #round = 0;

  constructor(options: WatchOptions) {
    const { sources, rules } = options;
    this.#options = options;
    this.#rules = rules;
    this.#cpu = new OthersCpu(sources.proc, sources.own);
    this.#memory = new Memory(sources.proc, sources.own);
    this.#programs = new Programs(sources.proc);
    this.#gpu = new GpuWatch(sources.sys);
  }

  /** The judgement that counts. */
  get judgement(): Judgement {
    this.#now ??= this.#judge();
    return this.#now;
  }

  /** Which means see what, for people. */
  get means(): readonly { readonly what: string; readonly how: string }[] {
    const devices = this.#input?.devices.length ?? 0;
    const { idle, battery } = this.#desktop?.now ?? {};
    const found: { what: string; how: string }[] = [];
    const add = (what: string, how: string) => found.push({ what, how });
    if (devices > 0) add("input", `${devices} input devices, at once`);
    if (idle !== undefined) add("input", "logind, at once");
    if (this.#rules.idle > 0 && devices === 0 && idle === undefined)
      add("input", `nothing: no input device can be read, and ${this.#desktop?.why ?? "no bus was asked"}`);
    if (battery !== undefined) add("battery", "UPower, at once");
    for (const [what, period] of Object.entries(periods))
      if (this.#wants(what)) add(what, `every ${period} ms`);
    return found;
  }

  /** Begins; fulfils when everything was looked at once. */
  async start(): Promise<void> {
    if (this.#rules !== noRules) hurry();
    await this.#follow();
    this.#look(true);
    this.#timer = setInterval(() => this.#tick(), step).unref();
  }

  /** Other rules count from now on; `broken` tells why the file gives none. */
  async setRules(rules: Rules, broken?: string): Promise<void> {
    this.#rules = rules;
    this.#broken = broken;
    this.#seen = {};
    await this.#follow();
    this.#look(true);
  }

  /** The owner's word. */
  setPause(pause: Observations["pause"] | undefined): void {
    this.#pause = pause;
    this.#apply({ detected: performance.now() });
  }

  async #follow(): Promise<void> {
    const { sources, clock } = this.#options;
    const wantsInput = this.#rules.idle > 0;
    if (wantsInput && !this.#input) {
      this.#input = new InputWatch(
        sources.devices,
        sources.sys,
        () => clock.now(),
        (at) => this.#moved(at),
      );
      this.#input.start();
      // Nobody knows when somebody was here before we looked: as if it were now.
      if (this.#input.devices.length > 0) this.#touched = clock.now();
    }
    if ((wantsInput || this.#rules.battery) && !this.#desktop) {
      const told = () => this.#apply({ detected: performance.now() });
      this.#desktop = new DesktopWatch(sources.bus, clock, told);
      await this.#desktop.start();
    }
    if (Object.keys(this.#rules.gpus).length > 0) this.#gpu.start();
  }

  #moved(at: number): void {
    const detected = performance.now();
    this.#touched = at;
    // While work stands still it is enough to know of it at the next look.
    if (!this.#now || this.#now.state === "run") this.#apply({ detected, event: at });
  }

  #wants(what: string): boolean {
    const { cpu, load, memoryPressure, memoryUsed, temperature, battery, programs, gpus, hours, notOn } =
      this.#rules;
    const wanted: Record<string, boolean> = {
      memory: memoryPressure !== null || memoryUsed !== null,
      cpu: cpu !== null || load !== null,
      battery,
      temperature: temperature !== null,
      program: programs.length > 0 || Object.values(gpus).some((gpu) => gpu.programs.length > 0),
      gpu: Object.keys(gpus).length > 0,
      calendar: hours.length > 0 || notOn.length > 0,
    };
    return wanted[what] ?? false;
  }

  #tick(): void {
    this.#round += 1;
    this.#look(false);
  }

  #look(all: boolean): void {
    const detected = performance.now();
    const { sources } = this.#options;
    const now = this.#options.clock.monotonic();
    const rules = this.#rules;
    const isDue = (what: keyof typeof periods) =>
      this.#wants(what) && (all || (this.#round * step) % periods[what] === 0);
    const seen: Seen = { ...this.#seen };
    const set = (key: keyof Observations, value: unknown) => {
      if (value === undefined) delete seen[key];
      else seen[key] = value;
    };
    if (isDue("cpu")) {
      const { cpu, load } = this.#cpu.look(now);
      set("cpu", cpu);
      set("load", load);
    }
    if (isDue("memory")) {
      set("memoryPressure", this.#memory.pressure(now));
      if (rules.memoryUsed !== null) set("memoryUsed", this.#memory.used());
    }
    if (isDue("battery")) set("battery", onBattery(sources.sys));
    if (isDue("temperature")) set("temperature", hottest(sources.sys));
    if (isDue("program")) set("programs", this.#programs.look(this.#programNames()));
    if (isDue("gpu")) set("gpus", this.#gpu.look(Object.keys(rules.gpus)));
    this.#seen = seen;
    this.#apply({ detected });
  }

  #programNames(): ReadonlySet<string> {
    const { programs, gpus } = this.#rules;
    return new Set([...programs, ...Object.values(gpus).flatMap((gpu) => gpu.programs)]);
  }

  /** The last moment at which somebody was here, by whatever tells that. */
  #lastInput(now: number): number | undefined {
    const { idle, idleSince } = this.#desktop?.now ?? {};
    const told = idle === undefined ? undefined : idle ? idleSince : now;
    const known = [told, this.#touched].filter((at) => at !== undefined);
    return known.length === 0 ? undefined : Math.min(now, Math.max(...known));
  }

  #judge(): Judgement {
    const now = this.#options.clock.now();
    const input = this.#lastInput(now);
    const battery = this.#desktop?.now.battery;
    const observations = {
      ...this.#seen,
      local: localOf(now),
      ...(input === undefined ? {} : { input }),
      // Either of the two that says so is believed.
      ...(battery === undefined ? {} : { battery: battery || this.#seen.battery === true }),
      ...(this.#pause ? { pause: this.#pause } : {}),
      ...(this.#broken === undefined ? {} : { broken: this.#broken }),
    } as Observations;
    return judge(this.#rules, observations, now, this.#now);
  }

  #apply(cause: Cause): void {
    const before = this.#now;
    const made = this.#judge();
    this.#now = made;
    const isOther =
      before?.state !== made.state ||
      before.reasons[0]?.rule !== made.reasons[0]?.rule ||
      JSON.stringify(before.gpus) !== JSON.stringify(made.gpus);
    if (isOther) this.#options.changed(made, cause);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#input?.[Symbol.dispose]();
    this.#desktop?.[Symbol.dispose]();
    this.#gpu[Symbol.dispose]();
  }
}
