import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@skep/clock";
import { HostName } from "@skep/provider-host";
import { runUntil } from "../attached/attached.ts";
import { FileMemory } from "../attached/memory.ts";
import { nameIn, type Setup } from "../attached/setup.ts";
import { lock } from "../hive/storage.ts";
import { version } from "../version.ts";
import { HostAgent } from "./agent.ts";
import { allowLines, allows, readRules, type Rules, updatePlaces } from "./allow.ts";
import { mint } from "./faults.ts";
import { Cluster } from "./k8s.ts";
import { Containers } from "./docker.ts";
import { Links } from "./net.ts";
import { NvidiaGpus } from "./nvidia.ts";
import type { HostProvider } from "./provider.ts";
import { Systemd } from "./systemd.ts";
import { recoverPlace, type UpdatePlace } from "./updates.ts";

/** How an agent is started. */
export interface HostSetup extends Setup {
  /** The allow-list. */
  readonly rules: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The host that a ticket is for. Throws `attached.subject`. */
export const hostOf = (ticket: string): string =>
  nameIn(ticket, (name) => HostName.safeParse(name).success, mint);

type Env = HostSetup["env"];

/** Sockets of engines that are looked for where none is set. */
const sockets = ["/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock"];

function programIn({ PATH = "" }: Env, name: string): string | undefined {
  return PATH.split(":")
    .map((folder) => join(folder, name))
    .find((path) => path.startsWith("/") && existsSync(path));
}

/** Providers that the rules do not turn off, and for which there is something here or something was set. */
export function providersOf(rules: Rules, env: Env, clock: Clock): HostProvider[] {
  const { systemd, docker, k8s, nvidia, net } = rules;
  const found: HostProvider[] = [];
  const on = (of: { readonly enabled?: boolean | undefined }, there: boolean): boolean => of.enabled ?? there;
  const bus = systemd.bus ?? env.DBUS_SYSTEM_BUS_ADDRESS ?? "unix:path=/run/dbus/system_bus_socket";
  const busFile = /^unix:path=([^,;]+)/.exec(bus)?.[1];
  if (on(systemd, systemd.bus !== undefined || (busFile !== undefined && existsSync(busFile))))
    found.push(new Systemd({ bus, everyMs: systemd.every, clock }));
  const socket = docker.socket ?? sockets.find((path) => existsSync(path));
  if (socket !== undefined && on(docker, true)) found.push(new Containers(docker.every, socket));
  if (k8s.api !== undefined && on(k8s, true)) {
    const { api, token_file: tokenFile, ca_file: caFile } = k8s;
    found.push(new Cluster({ api, tokenFile, caFile, everyMs: k8s.every, clock }));
  }
  const smi = nvidia.program ?? programIn(env, "nvidia-smi");
  if (smi !== undefined && on(nvidia, true)) found.push(new NvidiaGpus(nvidia.every, smi));
  if (on(net, true)) found.push(new Links(net.every, net.folder));
  return found;
}

// A trial that was under way when the agent was killed: no ticket may ask about it any more.
async function recovered(name: string, place: UpdatePlace, log: (line: string) => void): Promise<void> {
  try {
    if (await recoverPlace(place)) log(`update ${name} was not found healthy before; it went back`);
  } catch (thrown) {
    log(`update ${name}: ${(thrown as Error).message}`);
  }
}

/** Works as the agent of the ticket's host until the signal aborts. Throws `host-agent.*`, `home.held`. */
export async function runHost(setup: HostSetup, signal: AbortSignal): Promise<void> {
  const { ticket, dial, rules: file, folder, env, clock, log } = setup;
  const host = hostOf(ticket);
  const own = process.getuid?.() ?? 0;
  const read = (): Rules => readRules(file, own);
  const rules = read();
  using _held = lock(join(folder, host), { daemon: false });
  const providers = providersOf(rules, env, clock);
  const seen = providers.map(({ facet }) => facet).join(", ");
  log(
    `host ${host} shows ${seen || "nothing"}; patterns of acts that ${file} allows: ${allowLines(rules).length}`,
  );
  for (const [name, place] of updatePlaces(rules)) await recovered(name, place, log);
  const agent = new HostAgent({
    host,
    dial: () => dial(ticket),
    providers,
    allows: (action, target) => allows(read(), action, target),
    allowLines: () => allowLines(read()),
    models: () => read().peft.folder,
    updates: () => updatePlaces(read()),
    memory: new FileMemory(join(folder, host)),
    version,
    clock,
    log,
  });
  await runUntil(signal, agent);
}
