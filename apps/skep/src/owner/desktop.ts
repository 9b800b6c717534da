import type { Clock } from "@skep/clock";
import { type Bus, openBus } from "./bus.ts";

const login = {
  service: "org.freedesktop.login1",
  path: "/org/freedesktop/login1",
  of: "org.freedesktop.login1.Manager",
} as const;
const upower = {
  service: "org.freedesktop.UPower",
  path: "/org/freedesktop/UPower",
  of: "org.freedesktop.UPower",
} as const;
/** A bus that was lost is looked for again after so long, milliseconds. */
const againMs = 10_000;

/** What logind and UPower tell; each is undefined where it is not there. */
export interface Desktop {
  /** Whether every session says that nobody is at it. */
  readonly idle: boolean | undefined;
  /** Since when, milliseconds since 1970. */
  readonly idleSince: number | undefined;
  readonly battery: boolean | undefined;
}

/** Follows logind and UPower on a bus, told of each change at once. */
export class DesktopWatch implements Disposable {
  readonly #address: string;
  readonly #clock: Clock;
  readonly #changed: () => void;
  #now: Desktop = { idle: undefined, idleSince: undefined, battery: undefined };
  #bus: Bus | undefined;
  #over = false;
  #why = "not asked yet";

  constructor(address: string, clock: Clock, changed: () => void) {
    this.#address = address;
    this.#clock = clock;
    this.#changed = changed;
  }

  get now(): Desktop {
    return this.#now;
  }

  /** Why something is not seen, one line. */
  get why(): string {
    return this.#why;
  }

  /** Fulfils when it was asked once; where the bus is not there, it is looked for again by itself. */
  async start(): Promise<void> {
    try {
      const bus = await openBus(this.#address);
      if (this.#over) return bus[Symbol.dispose]();
      this.#bus = bus;
      void bus.closed.then(() => this.#lost("the bus ended"));
      await Promise.all([this.#followLogin(bus), this.#followPower(bus)]);
    } catch (thrown) {
      this.#lost(thrown instanceof Error ? thrown.message : "no bus");
    }
  }

  #lost(why: string): void {
    this.#why = why;
    this.#bus?.[Symbol.dispose]();
    this.#bus = undefined;
    this.#now = { idle: undefined, idleSince: undefined, battery: undefined };
    if (!this.#over) this.#clock.after(againMs, () => void (this.#over || this.start()));
  }

  #set(more: Partial<Desktop>): void {
    this.#now = { ...this.#now, ...more };
    this.#changed();
  }

  async #followLogin(bus: Bus): Promise<void> {
    const { service, path, of } = login;
    const take = (idle: unknown, since: unknown) => {
      const at = since === undefined ? this.#clock.now() : Number(since) / 1000;
      this.#set({ idle: idle === true, idleSince: at });
    };
    try {
      await bus.watch(path, of, (changed) => {
        if (changed.has("IdleHint")) take(changed.get("IdleHint"), changed.get("IdleSinceHint"));
      });
      take(await bus.get(service, path, of, "IdleHint"), await bus.get(service, path, of, "IdleSinceHint"));
    } catch {
      this.#why = "logind is not on the bus";
    }
  }

  async #followPower(bus: Bus): Promise<void> {
    const { service, path, of } = upower;
    try {
      await bus.watch(path, of, (changed) => {
        if (changed.has("OnBattery")) this.#set({ battery: changed.get("OnBattery") === true });
      });
      this.#set({ battery: (await bus.get(service, path, of, "OnBattery")) === true });
    } catch {
      // Then /sys/class/power_supply is looked at alone.
    }
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#bus?.[Symbol.dispose]();
  }
}
