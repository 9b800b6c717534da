import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { rootCertificates } from "node:tls";
import { multiaddr } from "@multiformats/multiaddr";
import { view } from "./addresses.ts";
import type { MeshOptions } from "./contract.ts";
import type { Events } from "./events.ts";
import { fault } from "./faults.ts";
import type { Names } from "./names.ts";
import type { Factory } from "./observed.ts";

/** What a connection on the loopback really is. */
export interface Tunnelled {
  readonly address: string;
  readonly inspected: boolean;
}

/** SHA-256 of the public key that a TLS server showed, 64 hex digits. */
export function pinOf(socket: TLSSocket): string {
  const key = socket.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256")
    .update(key ?? "")
    .digest("hex");
}

/**
 * WebSockets over TLS whose key is looked at. The WebSocket of Node cannot be given a pin, so it speaks to a door on the
 * loopback that opens once, behind which is the TLS that we made.
 */
export class Tunnels {
  readonly #options: MeshOptions;
  readonly #events: Events;
  readonly #names: Names;
  readonly #open = new Map<string, Tunnelled>();

  constructor(options: MeshOptions, events: Events, names: Names) {
    this.#options = options;
    this.#events = events;
    this.#names = names;
  }

  /** What lies behind `host:port` of a WebSocket on the loopback. */
  behind(place: string): Tunnelled | undefined {
    return this.#open.get(place);
  }

  async #connected(host: string, port: number, signal: AbortSignal): Promise<TLSSocket> {
    const [ip] = await this.#names.resolve(host);
    signal.throwIfAborted();
    const { authorities = [] } = this.#options;
    const socket = connect({
      host: ip ?? host,
      port,
      ...(isIP(host) === 0 && { servername: host }),
      rejectUnauthorized: false,
      ca: [...rootCertificates, ...authorities],
    });
    socket.on("error", () => {});
    const stop = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error("stopped"));
    signal.addEventListener("abort", stop, { once: true });
    try {
      await once(socket, "secureConnect", { signal });
      return socket;
    } catch (thrown) {
      socket.destroy();
      throw thrown;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Throws `mesh.pin` and `mesh.certificate`; tells whether somebody reads the TLS. */
  #judge(socket: TLSSocket, host: string, port: number): boolean {
    const target = `${host}:${port}`;
    const { pins = {}, allowInspection = false } = this.#options;
    const pinned = pins[target];
    if (pinned === undefined) {
      if (!socket.authorized) throw fault.certificate(target, { cause: socket.authorizationError });
      return false;
    }
    const seen = pinOf(socket);
    if (seen === pinned.toLowerCase()) return false;
    this.#events.tell({ kind: "inspected", target, pinned, seen, allowed: allowInspection });
    this.#options.log?.(
      `mesh: TLS at ${target} has key ${seen}, not the pinned ${pinned}: somebody on the way reads it`,
    );
    if (!allowInspection) throw fault.pin(target);
    return true;
  }

  async #door(socket: TLSSocket): Promise<Server> {
    const door = createServer({ noDelay: true }, (near) => {
      door.close();
      near.pipe(socket).pipe(near);
      near.on("error", () => socket.destroy());
      near.on("close", () => socket.destroy());
      socket.on("close", () => near.destroy());
    });
    door.maxConnections = 1;
    door.listen(0, "127.0.0.1");
    await once(door, "listening");
    return door;
  }

  through(factory: Factory): Factory {
    return (components) => {
      const transport = factory(components);
      const dial = transport.dial.bind(transport);
      const tunnelled: typeof dial = async (address, options) => {
        const { host, port, peer, transport: kind } = view(address.toString());
        if (kind !== "wss") return await dial(address, options);
        const socket = await this.#connected(host, port, options.signal);
        let place = "";
        try {
          const inspected = this.#judge(socket, host, port);
          const door = await this.#door(socket);
          const at = door.address();
          const number = typeof at === "object" && at ? at.port : 0;
          place = `127.0.0.1:${number}`;
          this.#open.set(place, { address: address.toString(), inspected });
          socket.on("close", () => this.#open.delete(place));
          const end = peer === undefined ? "" : `/p2p/${peer}`;
          return await dial(multiaddr(`/ip4/127.0.0.1/tcp/${number}/ws${end}`), options);
        } catch (thrown) {
          socket.destroy();
          this.#open.delete(place);
          throw thrown;
        }
      };
      return Object.assign(transport, { dial: tunnelled });
    };
  }
}
