import type { Deciding, Decision } from "@skep/kernel";
import { emit } from "./events.ts";
import type { Jobs } from "./model.ts";
import { type Network, standingOf } from "./replicate-model.ts";
import type { Uses } from "./uses.ts";

const quad = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/;

function network4(address: string): Network {
  const [, prefix] = quad.exec(address) ?? [];
  return prefix === undefined ? {} : { ip4: `${prefix}.0` };
}

/** The first 48 bits; an IPv4 address that is written as an IPv6 one counts as what it is. */
function network6(address: string): Network {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return network4(mapped);
  const [left = "", right] = address.toLowerCase().split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const gap = Math.max(0, 8 - head.length - tail.length);
  const groups = [...head, ...(right === undefined ? [] : Array<string>(gap).fill("0")), ...tail];
  if (groups.length !== 8 || !groups.every((group) => /^[\da-f]{1,4}$/.test(group))) return {};
  const first = groups.slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16));
  return { ip6: `${first.join(":")}::` };
}

/**
 * Where a machine is on the network, as coarsely as the rule of agreement asks: the IPv4 /24, the IPv6 /48, or the PeerId of the
 * relay that it is reached through, of whose own address nothing follows. `address` is a multiaddress.
 */
export function networkOf(address: string): Network {
  const [, relay] = /\/p2p\/([^/]+)\/p2p-circuit(?:\/|$)/.exec(address) ?? [];
  if (relay !== undefined) return { relay };
  if (address.includes("/p2p-circuit")) return {};
  const [, version, ip = ""] = /\/(ip[46])\/([^/]+)/.exec(address) ?? [];
  if (version === undefined) return {};
  return version === "ip4" ? network4(ip) : network6(ip);
}

const same = (one: Network | undefined, other: Network): boolean =>
  one?.ip4 === other.ip4 && one?.ip6 === other.ip6 && one?.relay === other.relay;

/**
 * What a machine's path says of where it is; nothing where that is known, of machines that are no strangers', and of those that are
 * not reached over the mesh. `addressOf` gives the multiaddress that a key is spoken to at.
 */
export function placing(
  worker: string,
  { state, views }: Pick<Deciding<Jobs, Uses>, "state" | "views">,
  addressOf: (key: string) => string | undefined,
): Decision | undefined {
  if (standingOf(state, worker).class !== "volunteer") return undefined;
  const address = addressOf(views.workers.get(worker)?.key ?? "");
  if (address === undefined) return undefined;
  const network = networkOf(address);
  return same(state.places.get(worker), network)
    ? undefined
    : { events: [emit("placed@1", { worker, network })] };
}
