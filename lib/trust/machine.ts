/** Whose a machine is: how far it is believed before it has shown anything. */
export type MachineClass = "owned" | "borrowed" | "rented" | "volunteer";

/** Whether two honest machines give the same bytes (`pure`), or may differ (`loose`). */
export type Determinism = "pure" | "loose";

/** Where a stranger's machine is on the network. */
export interface Place {
  /** Dotted quad. */
  readonly ip4?: string;
  /** Eight groups or shortened with `::`. */
  readonly ip6?: string;
  /** Name of the relay that it is reached through. */
  readonly relay?: string;
}

/** Who answers for a machine: one redeemed invitation or enrolled key is one owner. */
export interface Party {
  readonly owner: string;
  readonly class: MachineClass;
  readonly place?: Place;
}

/** The rule by which two machines count as two, as verdicts name it. */
export const ownersRule =
  "one owner = one invitation or key; strangers: one per IPv4 /24, IPv6 /48 and relay";

function prefix4(address: string | undefined): string | undefined {
  const found = /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(address ?? "");
  return found?.[1];
}

/** The first 48 bits, as three groups without leading zeroes; undefined for no address. */
function prefix6(address: string | undefined): string | undefined {
  if (address === undefined || !/^[\da-f:]+$/i.test(address)) return undefined;
  const [left = "", right] = address.toLowerCase().split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const gap = right === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(Math.max(0, gap)).fill("0"), ...tail];
  if (groups.length !== 8) return undefined;
  return groups
    .slice(0, 3)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}

const shared = (one: string | undefined, other: string | undefined): boolean =>
  one !== undefined && one !== "" && one === other;

/** Whether two machines count as two in a vote. Symmetric; never true of a machine and itself. */
export function independent(one: Party, other: Party): boolean {
  if (one.owner === other.owner) return false;
  if (one.class !== "volunteer" || other.class !== "volunteer") return true;
  const [here = {}, there = {}] = [one.place, other.place];
  return !(
    shared(prefix4(here.ip4), prefix4(there.ip4)) ||
    shared(prefix6(here.ip6), prefix6(there.ip6)) ||
    shared(here.relay, there.relay)
  );
}

/** Whether a machine may vote beside these. */
export function joins(candidate: Party, seated: Iterable<Party>): boolean {
  for (const party of seated) if (!independent(candidate, party)) return false;
  return true;
}
