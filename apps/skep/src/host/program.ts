import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@skep/clock";
import type { Client } from "@skep/ninep";
import { HostName } from "@skep/provider-host";
import { lock } from "../hive/storage.ts";
import { version } from "../version.ts";
import { readWho } from "../worker/who.ts";
import { HostAgent } from "./agent.ts";
import { allowLines, allows, readRules, type Rules } from "./allow.ts";
import { fault } from "./faults.ts";
import { FileMemory } from "./memory.ts";
import { Links } from "./net.ts";
import type { HostProvider } from "./provider.ts";
import { Systemd } from "./systemd.ts";

/** How an agent is started. */
export interface HostSetup {
  readonly ticket: string;
  readonly dial: (ticket: string) => Promise<Client>;
  /** The allow-list. */
  readonly rules: string;
  /** The agent's own folder, which one agent at a time uses. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** The host that a ticket is for: the last step of its subject. Throws `host-agent.subject`. */
export function hostOf(ticket: string): string {
  const { subject } = readWho(ticket);
  const read = HostName.safeParse(subject.split("/").at(-1));
  if (!read.success) throw fault.subject(subject);
  return read.data;
}

type Env = HostSetup["env"];

/** Providers that the rules do not turn off, and for which there is something here or something was set. */
export function providersOf(rules: Rules, env: Env, clock: Clock): HostProvider[] {
  const { systemd, net } = rules;
  const found: HostProvider[] = [];
  const on = (of: { readonly enabled?: boolean | undefined }, there: boolean): boolean => of.enabled ?? there;
  const bus = systemd.bus ?? env.DBUS_SYSTEM_BUS_ADDRESS ?? "unix:path=/run/dbus/system_bus_socket";
  const busFile = /^unix:path=([^,;]+)/.exec(bus)?.[1];
  if (on(systemd, systemd.bus !== undefined || (busFile !== undefined && existsSync(busFile))))
    found.push(new Systemd({ bus, everyMs: systemd.every, clock }));
  if (on(net, true)) found.push(new Links(net.every, net.folder));
  return found;
}

/** Works as the agent of the ticket's host until the signal aborts. Throws `host-agent.*`, `home.held`. */
export async function runHost(setup: HostSetup, signal: AbortSignal): Promise<void> {
  const { ticket, dial, rules: file, folder, env, clock, log } = setup;
  const host = hostOf(ticket);
  const own = process.getuid?.() ?? 0;
  const read = (): Rules => readRules(file, own);
  const rules = read();
  using _held = lock(join(folder, host), { daemon: false });
  const agent = new HostAgent({
    host,
    dial: () => dial(ticket),
    providers: providersOf(rules, env, clock),
    allows: (action, target) => allows(read(), action, target),
    allowLines: () => allowLines(read()),
    memory: new FileMemory(join(folder, host)),
    version,
    clock,
    log,
  });
  const stop = (): void => void agent.stop();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  await agent.run();
}
