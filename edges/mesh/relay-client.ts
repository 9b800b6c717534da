import { multiaddr } from "@multiformats/multiaddr";
import { view, withPeer } from "./addresses.ts";
import type { Clock } from "@skep/clock";
import { fault } from "./faults.ts";
import { hopProtocol, readGrant, reserveMessage, whole } from "./hop.ts";
import type { Link } from "./links.ts";
import type { Held } from "./reserve.ts";
import { ByteStream } from "./stream.ts";

async function exchange(stream: ByteStream): Promise<Uint8Array> {
  await stream.write(reserveMessage);
  let got: Uint8Array = Buffer.alloc(0);
  for await (const bytes of stream) {
    got = Buffer.concat([got, bytes]);
    const message = whole(got);
    if (message) return message;
  }
  throw fault.reservation("it gave no answer");
}

/** The addresses of this node through a relay: by every address that the relay names, and the one that we came by. */
function through(link: Link, named: readonly Uint8Array[], self: string): string[] {
  const { peer, address } = link.far;
  const all = [address, ...named.map((bytes) => multiaddr(bytes).toString())];
  const useful = all.filter(
    (one) => view(one).relay === undefined && !["loopback", "link"].includes(view(one).scope),
  );
  const kept = useful.length > 0 ? useful : [address];
  return [...new Set(kept.map((one) => `${withPeer(one, peer)}/p2p-circuit/p2p/${self}`))];
}

/** Asks a relay for a reservation, or for more time. Throws `mesh.reservation` with the relay's reason. */
export async function askRelay(link: Link, self: string, signal: AbortSignal, clock: Clock): Promise<Held> {
  if (link.far.path === "relayed") throw fault.reservation("it is itself reached through a relay");
  const raw = await link.connection.newStream(hopProtocol, { signal }).catch((cause: unknown) => {
    const foreign = cause instanceof Error && cause.name === "UnsupportedProtocolError";
    throw fault.reservation(foreign ? "it does not relay" : "the connection to it ended", { cause });
  });
  await using stream = new ByteStream(raw, link.far, link.superseded.signal, clock, link.used);
  const stop = () => stream.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { expires, addresses } = readGrant(await exchange(stream));
    return { expires, addresses: through(link, addresses, self), cut: link.ended.signal };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
