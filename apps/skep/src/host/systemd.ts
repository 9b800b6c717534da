import { execFile } from "node:child_process";
import { type Clock, delay } from "@skep/clock";
import { type Bus, openBus } from "../owner/bus.ts";
import { fault } from "./faults.ts";
import type { Act, Done, Evidence } from "../attached/target.ts";
import type { HostProvider, Thing } from "./provider.ts";

const service = "org.freedesktop.systemd1";
const manager = {
  destination: service,
  path: "/org/freedesktop/systemd1",
  interface: `${service}.Manager`,
} as const;
const unitOf = `${service}.Unit`;

/** How systemd is reached. */
export interface SystemdOptions {
  /** Address of the bus that it is on. */
  readonly bus: string;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly open?: (address: string) => Promise<Bus>;
  /** Program that shows the journal. */
  readonly journalctl?: string;
}

type Listed = readonly [
  name: string,
  description: string,
  load: string,
  active: string,
  sub: string,
  ...more: unknown[],
];

const members: Readonly<Record<string, string>> = {
  start: "StartUnit",
  stop: "StopUnit",
  restart: "RestartUnit",
};
/** How often the end of a job is looked for, milliseconds. */
const lookEvery = 100;
/** A call that starts a job is answered within so long, milliseconds. */
const callPatience = 25_000;
/** Units that have such an end are told of. */
const told = /\.service$/;

/** States of unit files that are for a person to start. */
const installed = new Set(["enabled", "enabled-runtime", "disabled", "linked", "linked-runtime"]);

const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array | readonly number[]).toString("hex");

/** Services of systemd over D-Bus, the system's or a user's. */
export class Systemd implements HostProvider {
  readonly facet = "systemd";
  readonly settleMs = 1000;
  readonly #options: SystemdOptions;
  #bus: Promise<Bus> | undefined;

  constructor(options: SystemdOptions) {
    this.#options = options;
  }

  get everyMs(): number {
    return this.#options.everyMs;
  }

  #open(): Promise<Bus> {
    const { bus: address, open = openBus } = this.#options;
    this.#bus ??= open(address).then(
      (bus) => {
        void bus.closed.then(() => {
          this.#bus = undefined;
        });
        return bus;
      },
      (thrown) => {
        this.#bus = undefined;
        throw fault.unseen(`no bus: ${(thrown as Error).message}`, { cause: thrown });
      },
    );
    return this.#bus;
  }

  async look(): Promise<readonly Thing[]> {
    const bus = await this.#open();
    const [units] = await bus.call({ ...manager, member: "ListUnits" });
    const loaded = (units as readonly Listed[])
      .filter(([name, , load]) => told.test(name) && load === "loaded")
      .map(([name, description, , active, sub]) => ({ name, state: active, fields: { sub, description } }));
    const names = new Set(loaded.map(({ name }) => name));
    const idle = (await this.#installed(bus)).filter((name) => !names.has(name));
    return [...loaded, ...idle.map((name) => ({ name, state: "inactive", fields: { sub: "dead" } }))];
  }

  /** Services that somebody installed, loaded or not: a stopped one that no other wants is not loaded for long. */
  async #installed(bus: Bus): Promise<readonly string[]> {
    const [files] = await bus.call({ ...manager, member: "ListUnitFiles" });
    return (files as readonly (readonly [path: string, state: string])[])
      .filter(([path, state]) => told.test(path) && !path.includes("@") && installed.has(state))
      .map(([path]) => path.slice(path.lastIndexOf("/") + 1));
  }

  async #path(bus: Bus, unit: string): Promise<string> {
    const loaded = await bus.call({ ...manager, member: "LoadUnit", signature: "s", body: [unit] });
    return String(loaded[0]);
  }

  /** Waits until no job of the unit is under way: only then its state is an answer. */
  async evidence(target: string, _verb: string, signal: AbortSignal): Promise<Evidence | undefined> {
    const bus = await this.#open();
    const path = await this.#path(bus, target);
    const get = (property: string) => bus.get(service, path, unitOf, property);
    if ((await get("LoadState")) !== "loaded") throw fault.unseen(`no unit ${target}`);
    for (;;) {
      const [job] = (await get("Job")) as readonly [number, string];
      if (Number(job) === 0) break;
      await delay(this.#options.clock, lookEvery, signal);
    }
    const id = hex(await get("InvocationID")).replace(/^0+$/, "");
    const state = { ActiveState: String(await get("ActiveState")), SubState: String(await get("SubState")) };
    // One that never ran has none.
    return { ...state, InvocationID: id };
  }

  async act({ verb, target, params, signal }: Act): Promise<{ readonly output?: string }> {
    const { journalctl = "journalctl" } = this.#options;
    const member = members[verb];
    if (member === undefined)
      return { output: await journalOf(journalctl, target, Number(params.lines ?? 10)) };
    const bus = await this.#open();
    try {
      await bus.call({ ...manager, member, signature: "ss", body: [target, "replace"] }, callPatience);
    } catch (thrown) {
      const { message } = thrown as Error;
      // systemd refused, or its answer did not come and nobody knows.
      if (message === "the bus does not answer") throw fault.lost(message, { cause: thrown });
      throw fault.act(message, { cause: thrown });
    }
    const { ActiveState } = (await this.evidence(target, verb, signal)) ?? {};
    if (verb !== "stop" && ActiveState === "failed") throw fault.act(`${target} is failed`);
    return {};
  }

  done({ verb }: Act, before: Evidence | undefined, now: Evidence | undefined): Done {
    if (!before || !now) return "unknown";
    const stands = now.ActiveState === "active" || now.ActiveState === "reloading";
    if (verb === "stop") return stands && before.InvocationID === now.InvocationID ? "no" : "yes";
    // systemd forgets a unit that is stopped and that no other wants: it may have run meanwhile.
    if (now.InvocationID === "") return "unknown";
    if (before.InvocationID !== now.InvocationID) return "yes";
    return verb === "start" && stands ? "yes" : "no";
  }

  [Symbol.dispose](): void {
    void this.#bus?.then(
      (bus) => bus[Symbol.dispose](),
      () => undefined,
    );
  }
}

/** The newest lines of a unit's journal, or why there are none. */
function journalOf(program: string, unit: string, lines: number): Promise<string> {
  const args = ["--unit", unit, "--lines", String(lines), "--no-pager", "--output", "short-iso"];
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 10_000, maxBuffer: 1024 * 1024 }, (error, out) => {
      resolve(error ? `no journal: ${error.message.split("\n")[0]}` : out);
    });
  });
}
