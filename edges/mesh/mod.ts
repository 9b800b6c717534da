import type { Mesh, MeshOptions } from "./contract.ts";

export type {
  Far,
  HandleLimits,
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
  ValueRule,
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

/** Multiaddrs for listening on a host (`::` is every address of the machine) and a port; port 0 takes one that is free. */
export async function listenAddresses(
  host: string,
  port: number,
  offered: { readonly quic?: boolean; readonly websocket?: "plain" | "tls" } = {},
): Promise<readonly string[]> {
  const [{ listenAddresses: list }, { freePort }] = await Promise.all([
    import("./addresses.ts"),
    import("./free-port.ts"),
  ]);
  return list(host, port === 0 ? await freePort(host) : port, offered);
}

/** Host and port on which a mesh listens over TCP. */
export function placeOf(mesh: Mesh): { readonly host: string; readonly port: number } {
  for (const address of mesh.listening()) {
    const [, host = "", port = ""] = /^\/(?:ip4|ip6|dns)\/([^/]+)\/tcp\/(\d+)(?:\/p2p|$)/.exec(address) ?? [];
    if (host !== "") return { host, port: Number(port) };
  }
  return { host: "", port: 0 };
}
