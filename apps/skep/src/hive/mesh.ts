import { readFileSync } from "node:fs";
import type { Mesh, MeshOptions, MeshStream } from "@skep/edge-mesh";
import type { NinepEdge } from "@skep/edge-ninep";
import { faults } from "@skep/fault";
import { realClock } from "../clock.ts";
import { type Address, meshLinks, usualMesh } from "../config/mod.ts";
import { offerValues } from "../node/volunteer/wire.ts";
import type { Hive } from "./hive.ts";
import type { MeshSight } from "./net.ts";
import { tellNetworks } from "./networks.ts";
import { Volunteers } from "./volunteers.ts";

const fault = faults("mesh-edge", {
  tls: [
    "invalid",
    "Cannot read for TLS",
    { cure: "Set mesh.tls_certificate and mesh.tls_key to PEM files that you may read" },
  ],
});

/** Sessions of one machine: a stranger holds no more of them either, for the time within which it must attach. */
const sessionsPerPeer = 64;

/** How keys are named. */
type Names = Pick<typeof import("@skep/edge-mesh"), "keyOfPeer" | "peerOfKey">;

/** Where the mesh of a hive is reached. */
export interface MeshPlace {
  readonly host: string;
  readonly port: number;
  /** The PeerId of the hive: it comes from the key that signs its records. */
  readonly peer: string;
}

function pem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw fault.tls(path, { cause });
  }
}

/** What a hive's configuration says about its mesh. */
export async function meshOptions(
  hive: Hive,
  where: Address,
  log: (line: string) => void,
): Promise<MeshOptions> {
  const { listenAddresses } = await import("@skep/edge-mesh");
  const { values } = hive.config;
  const web = values["mesh.websocket"];
  const [certificate, key] = [values["mesh.tls_certificate"], values["mesh.tls_key"]];
  const tls = certificate !== "" || key !== "" ? { cert: pem(certificate), key: pem(key) } : undefined;
  const listen = await listenAddresses(where.host, where.port, { quic: values["mesh.quic"] });
  const listenWeb = web
    ? await listenAddresses(web.host, web.port, { websocket: tls ? "tls" : "plain" })
    : [];
  return {
    ...meshLinks(values),
    key: hive.keys.identity.seed,
    clock: realClock,
    listen: [...listen, ...listenWeb],
    announce: values["mesh.announce"],
    bootstrap: values["mesh.bootstrap"],
    relays: values["mesh.relays"],
    relay: values["mesh.relay"] && {
      reservations: values["mesh.relay_reservations"],
      perPeer: values["mesh.relay_per_peer"],
    },
    ...(tls && { tls }),
    mdns: values["mesh.mdns"],
    dht: values["mesh.records"],
    values: offerValues(() => hive.kernel.time.now()),
    upnp: values["mesh.port_mapping"],
    autonat: values["mesh.reachability"],
    log,
  };
}

/** The mesh of a hive: not there until it is started, which loads libp2p. */
export interface HiveMesh {
  /** Listens, and serves 9P to whoever brings a ticket. Throws `mesh.*`. */
  start(): Promise<MeshPlace>;
  close(): Promise<void>;
}

function sightOf(
  mesh: Mesh,
  hive: Hive,
  log: (line: string) => void,
  { keyOfPeer, peerOfKey }: Names,
): MeshSight {
  const { home, keys, config, kernel } = hive;
  const relays = config.values["mesh.relays"];
  const now = () => kernel.time.now();
  const volunteers = new Volunteers({ home, keys, mesh, relays, keyOfPeer, now, log });
  return {
    volunteers: () => (config.values["mesh.records"] ? volunteers.rows() : []),
    engage: (engagement) => volunteers.engage(engagement),
    peer: mesh.peer,
    relays,
    addresses: () => mesh.addresses(),
    path: (key) => {
      const found = mesh.view(peerOfKey(Buffer.from(key, "hex")));
      return (
        found && {
          path: found.path,
          why: found.why,
          ...(found.address === undefined ? {} : { address: found.address }),
        }
      );
    },
  };
}

/** The mesh of a hive, where its configuration says; `on [::]:7781` where it says `invited`. */
export function meshOf(hive: Hive, ninep: NinepEdge, log: (line: string) => void): HiveMesh {
  const wanted = hive.config.values["listen.mesh"];
  const where: Address = wanted === "invited" || !wanted ? usualMesh : wanted;
  let running: Promise<Mesh> | undefined;
  const open = async (): Promise<Mesh> => {
    const { createMesh, ninepProtocol, ...names } = await import("@skep/edge-mesh");
    const mesh = await createMesh(await meshOptions(hive, where, log));
    const sight = sightOf(mesh, hive, log, names);
    hive.net.mesh = sight;
    tellNetworks(hive, (key) => sight.path(key)?.address);
    const serve = async (stream: MeshStream) => void (await ninep.handle(stream.socket(), "tcp").closed);
    await mesh.handle(ninepProtocol, serve, { streams: sessionsPerPeer });
    return mesh;
  };
  return {
    start: async () => {
      running ??= open().catch((thrown: Error) => {
        running = undefined;
        log(`mesh: ${thrown.message}`);
        throw thrown;
      });
      const mesh = await running;
      const { placeOf } = await import("@skep/edge-mesh");
      return { host: where.host, port: placeOf(mesh).port, peer: mesh.peer };
    },
    close: async () => {
      const mesh = await running?.catch(() => undefined);
      hive.net.mesh = undefined;
      await mesh?.close();
    },
  };
}
