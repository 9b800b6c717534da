const mostAddresses = 10;

/** Kinds of addresses: few are dear, so each kind has one before any has its second. */
const kindsOfAddress: readonly RegExp[] = [
  /\/tcp\/\d+$/,
  /\/tcp\/443\/.*p2p-circuit$/,
  /\/tcp\/\d+(\/p2p\/\w+)?\/p2p-circuit$/,
  /\/quic-v1$/,
  /./,
];

/** The addresses of a hive that fit into an invitation: without the hive's name, which the joiner knows from its key. */
export function shortAddresses({
  addresses,
  peer,
  relays,
}: {
  readonly addresses: readonly string[];
  readonly peer: string;
  readonly relays: readonly string[];
}): string[] {
  const end = `/p2p/${peer}`;
  const own = addresses.map((address) => (address.endsWith(end) ? address.slice(0, -end.length) : address));
  // Where it is met when the relay that it has now is lost.
  const all = [...new Set([...own, ...relays.map((relay) => `${relay}/p2p-circuit`)])];
  const kindOf = (address: string) => kindsOfAddress.findIndex((kind) => kind.test(address));
  const rankOf = new Map(
    all.map((address, at) => [
      address,
      all.slice(0, at).filter((one) => kindOf(one) === kindOf(address)).length,
    ]),
  );
  const rank = (address: string) => (rankOf.get(address) ?? 0) * kindsOfAddress.length + kindOf(address);
  return all.toSorted((left, right) => rank(left) - rank(right)).slice(0, mostAddresses);
}
