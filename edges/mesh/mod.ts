import type { Mesh, MeshOptions } from "./contract.ts";

export type {
  Far,
  Mesh,
  MeshEvent,
  MeshOptions,
  MeshStream,
  OpenOptions,
  PathKind,
  PeerView,
  RelayLimits,
  ReservationState,
  StreamSocket,
  Transport,
} from "./contract.ts";
export { keyOfPeer, peerOfKey } from "./peer.ts";

/** The protocol of 9P over the mesh. */
export const ninepProtocol = "/skep/9p/1";

/**
 * Starts a mesh. Only then is libp2p loaded: a program without a mesh pays nothing for it. Throws `mesh.key`, `.taken`,
 * `.listen`, `.address`.
 */
export async function createMesh(options: MeshOptions): Promise<Mesh> {
  const { startMesh } = await import("./mesh.ts");
  return await startMesh(options);
}

/** Multiaddrs for listening on a host (`::` is every address of the machine) and a port, over TCP and, if wanted, QUIC. */
export async function listenAddresses(host: string, port: number, quic: boolean): Promise<readonly string[]> {
  return (await import("./addresses.ts")).listenAddresses(host, port, quic);
}
