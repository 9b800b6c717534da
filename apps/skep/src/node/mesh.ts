import type { Mesh } from "@skep/edge-mesh";
import { toFault } from "@skep/fault";
import { type Client, createClient, wireFromSocket } from "@skep/ninep";
import { realClock } from "../clock.ts";
import { meshLinks, type Values } from "../config/mod.ts";
import { supersededBy } from "../worker/link.ts";

/** What a machine reaches its hive with. */
export interface NodeMesh extends AsyncDisposable {
  /**
   * A client of the hive's files, attached with a ticket; it had better be replaced when a better path stands or `outdated`
   * aborts. Throws `mesh.*` and the refusal of the attach.
   */
  client(ticket: string, signal?: AbortSignal, outdated?: AbortSignal): Promise<Client>;
}

/** Whom to reach, and as whom. */
export interface Reaching {
  /** Seed of this machine's identity. */
  readonly seed: Uint8Array;
  /** Ed25519 key of the hive's identity, hex. */
  readonly hiveKey: string;
  /** Where the hive was last known to be. */
  readonly addresses: readonly string[];
  /** This machine's own configuration. */
  readonly values: Values;
  /** Looks for the hive on the local network whatever the configuration says. */
  readonly mdns: boolean;
  readonly log: (line: string) => void;
  /** What is no problem, such as another path; `log` where left out. */
  readonly tell?: (line: string) => void;
  /** A mesh of this machine that is there already, and stays. */
  readonly mesh?: Mesh;
  /** The hive is at other addresses now. */
  readonly moved?: (addresses: readonly string[]) => void;
}

const mostAddresses = 16;

// An invitation leaves out the hive's name at the end of its addresses: it follows from the key.
const named = (address: string, peer: string): string =>
  address.includes("/p2p/") && !address.endsWith("/p2p-circuit") ? address : `${address}/p2p/${peer}`;

const isRelayed = (address: string): boolean => address.includes("/p2p-circuit");

/** The hive's addresses as they are kept, with those of this machine's relays, through which it may be met. */
function placesOf({ addresses, values }: Reaching, peer: string): string[] {
  const through = values["mesh.relays"].map((relay) => `${relay}/p2p-circuit`);
  return [...addresses, ...through].map((address) => named(address, peer));
}

/** Where to listen: what the configuration says; else only where a hive that is relayed may reach us itself. */
async function listenOf({ values, addresses }: Reaching): Promise<readonly string[]> {
  const where = values["listen.mesh"];
  if (!where || (where === "invited" && !addresses.some(isRelayed))) return [];
  const { listenAddresses } = await import("@skep/edge-mesh");
  const { host, port } = where === "invited" ? { host: "::", port: 0 } : where;
  return await listenAddresses(host, port, { quic: false });
}

async function newMesh(reaching: Reaching, places: readonly string[]): Promise<Mesh> {
  const { createMesh } = await import("@skep/edge-mesh");
  const { seed, values, mdns } = reaching;
  const options = {
    ...meshLinks(values),
    key: seed,
    clock: realClock,
    mdns: mdns || values["mesh.mdns"],
    bootstrap: [...places, ...values["mesh.bootstrap"]],
    relays: values["mesh.relays"],
  };
  return await createMesh({ ...options, listen: await listenOf(reaching) }).catch((thrown) => {
    // A hive of this machine may listen there already, and to be dialled is not what a worker lives from.
    if (toFault(thrown).code !== "mesh.taken") throw thrown;
    return createMesh(options);
  });
}

/** A mesh of a machine that dials its hive. */
export async function openNodeMesh(reaching: Reaching): Promise<NodeMesh> {
  const { ninepProtocol, peerOfKey } = await import("@skep/edge-mesh");
  const { hiveKey, addresses, log, tell = log, moved } = reaching;
  const peer = peerOfKey(Buffer.from(hiveKey, "hex"));
  const places = placesOf(reaching, peer);
  let told: readonly string[] = [];
  let used = "";
  const mesh = reaching.mesh ?? (await newMesh(reaching, places));
  const leave = new AbortController();
  const note = (): void => {
    // The hive may be at another relay of its own after the present one is lost.
    const all = [used, ...told, ...addresses.filter(isRelayed)]
      .filter((address) => address !== "")
      .map((address) => named(address, peer));
    if (told.length > 0) moved?.([...new Set(all)].slice(0, mostAddresses));
  };
  const end = mesh.on((event) => {
    if (event.kind === "dial-failed")
      log(`cannot dial ${event.target} over ${event.transport}: ${event.cause}`);
    if (event.kind === "found" && event.by === "identify" && event.peer === peer) {
      told = event.addresses;
      note();
    }
    if (event.kind === "path" && event.peer === peer)
      tell(
        `path to the hive: ${event.to} (${event.why.replace(/\d+\.\d+(?= ?ms)/g, (ms) => Number(ms).toFixed(0))})`,
      );
  });
  mesh.learn(places);
  if (reaching.mesh) mesh.keep(peer, leave.signal);
  return {
    client: async (ticket, signal, outdated) => {
      const stream = await mesh.open(peer, ninepProtocol, signal ? { signal } : {});
      const client = await createClient(wireFromSocket(stream.socket()), { aname: ticket });
      // An address that the hive does not know of itself, such as a forwarded port, is worth keeping.
      used = stream.address;
      note();
      const { superseded } = stream;
      return supersededBy(client, outdated ? AbortSignal.any([superseded, outdated]) : superseded);
    },
    [Symbol.asyncDispose]: async () => {
      end();
      leave.abort(new Error("it is left"));
      if (!reaching.mesh) await mesh.close();
    },
  };
}
