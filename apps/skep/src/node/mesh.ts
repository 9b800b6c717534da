import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { realClock } from "../clock.ts";

/** What a machine reaches its hive with. */
export interface NodeMesh extends AsyncDisposable {
  /** A client of the hive's files, attached with a ticket. Throws `mesh.*` and the refusal of the attach. */
  client(ticket: string, signal?: AbortSignal): Promise<Client>;
}

/** Whom to reach, and as whom. */
export interface Reaching {
  /** Seed of this machine's identity. */
  readonly seed: Uint8Array;
  /** Ed25519 key of the hive's identity, hex. */
  readonly hiveKey: string;
  readonly addresses: readonly string[];
  readonly mdns: boolean;
  readonly log: (line: string) => void;
}

// An invitation leaves out the hive's name at the end of its addresses: it follows from the key.
const named = (address: string, peer: string): string =>
  address.includes("/p2p/") && !address.endsWith("/p2p-circuit") ? address : `${address}/p2p/${peer}`;

/** A mesh of a machine that dials its hive and listens nowhere. */
export async function openNodeMesh({ seed, hiveKey, addresses, mdns, log }: Reaching): Promise<NodeMesh> {
  const { createMesh, ninepProtocol, peerOfKey } = await import("@skep/edge-mesh");
  const peer = peerOfKey(Buffer.from(hiveKey, "hex"));
  const places = addresses.map((address) => named(address, peer));
  const mesh = await createMesh({ key: seed, clock: realClock, mdns, bootstrap: places });
  const end = mesh.on((event) => {
    if (event.kind === "dial-failed")
      log(`cannot dial ${event.target} over ${event.transport}: ${event.cause}`);
    if (event.kind === "path") log(`path to the hive: ${event.to} (${event.why})`);
  });
  mesh.learn(places);
  return {
    client: async (ticket, signal) => {
      const stream = await mesh.open(peer, ninepProtocol, signal ? { signal } : {});
      return createClient(wireFromSocket(stream.socket()), { aname: ticket });
    },
    [Symbol.asyncDispose]: async () => {
      end();
      await mesh.close();
    },
  };
}
