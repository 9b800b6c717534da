import type { Server, Socket } from "node:net";
import type { Clock } from "@skep/clock";
import type { Fault } from "@skep/fault";
import { type Limits, limits as standard } from "@skep/kernel";
import { type Connection, serve, type SocketLike, Turns, wireFromSocket } from "@skep/ninep";
import type { Origin } from "./aname.ts";
import type { NinepDoor } from "./door.ts";
import { fault } from "./faults.ts";
import { DoorHost } from "./host.ts";
import { type Listening, listenTcp, listenUnix } from "./listen.ts";
import { Turnstile } from "./turnstile.ts";

/** What an edge is given. */
export interface NinepOptions {
  /** Numeric user of the daemon: owner of files where an attach names none, and of the socket's directory. */
  readonly uid: number;
  readonly clock: Clock;
  /** Runs an act after the input at hand was handled (`setImmediate`), so that no client fills a turn. */
  readonly defer?: (act: () => void) => void;
  /** What each connection is held to; the kernel's table by default. */
  readonly limits?: Pick<Limits, "msize" | "fids" | "fidsOnSocket" | "tags" | "waitingReads">;
  /** Connections at a time on TCP; 256 by default. A further one is told so. The owner's socket has no limit. */
  readonly connections?: number;
  /** Milliseconds that a connection may take to ask for its attach; 10,000 by default. What the answer takes is ours. */
  readonly attachWithin?: number;
  /** Counts what never became a session's doing. */
  readonly counts?: { attachesFailed: number; badFrames: number };
  /** Hears of every fault that is `internal`, with its cause. */
  readonly report?: (fault: Fault) => void;
}

/** The tree over 9P2000.L. */
export interface NinepEdge extends AsyncDisposable {
  /** Serves a connected socket; only `unix` may attach without a ticket. */
  handle(socket: SocketLike, origin: Origin): Connection;
  /** Listens on loopback and tells the port; throws `ninep-edge.wide` for any other address. */
  listenTcp(place: Listening): Promise<Listening>;
  /** Listens on a socket for the owner of the home; the caller holds the lock of the home. */
  listenUnix(path: string): Promise<void>;
  /** Connections at the moment. */
  readonly connections: number;
  /** Requests that have no answer yet. */
  readonly outstanding: number;
  /** Stops listening and ends every connection with its sessions. */
  close(): Promise<void>;
}

/** Connections that are told at a time that there is no room for them. */
const turnedAwayAtOnce = 64;

class Edge implements NinepEdge {
  readonly #door: NinepDoor;
  readonly #options: NinepOptions;
  readonly #servers: Server[] = [];
  readonly #turnstile: Turnstile | undefined;
  readonly #turns: Turns | undefined;
  readonly #connections = new Set<Connection>();
  /** Those whose clients have gone, and which are not put away yet. */
  readonly #leaving = new Set<Connection>();
  readonly #turnedAway = new Set<Connection>();

  constructor(door: NinepDoor, options: NinepOptions) {
    this.#door = door;
    this.#options = options;
    const { defer, clock } = options;
    this.#turnstile = defer && new Turnstile(defer);
    this.#turns = defer && new Turns({ defer, monotonic: () => clock.monotonic() });
  }

  get outstanding(): number {
    let sum = 0;
    for (const { load } of this.#connections) sum += load.requests;
    return sum;
  }

  get connections(): number {
    return this.#connections.size;
  }

  handle(socket: SocketLike, origin: Origin): Connection {
    const { counts } = this.#options;
    const { clock, attachWithin = 10_000, limits = standard, defer, report } = this.#options;
    const armed = () => clock.after(attachWithin, () => connection.close());
    let deadline = armed();
    let [known, over] = [false, false];
    const host = new DoorHost(this.#door, origin, this.#options.uid, {
      turn: () => {
        deadline.stop();
        return this.#turnstile?.enter();
      },
      isOver: () => over,
      attached: () => {
        deadline.stop();
        known = true;
      },
      refused: () => {
        if (counts) counts.attachesFailed += 1;
        deadline.stop();
        if (!known && !over) deadline = armed();
      },
    });
    const connection = serve(wireFromSocket(socket), host, {
      msize: limits.msize,
      fids: origin === "unix" ? limits.fidsOnSocket : limits.fids,
      window: limits.tags,
      waiting: limits.waitingReads,
      ...(defer && { defer, monotonic: () => clock.monotonic() }),
      ...(this.#turns && { turns: this.#turns }),
      ...(report && { report }),
    });
    this.#connections.add(connection);
    const left = (): void => {
      over = true;
      deadline.stop();
      if (this.#connections.delete(connection)) this.#leaving.add(connection);
    };
    socket.on("end", left);
    socket.on("close", left);
    connection.closed.then((broken) => {
      over = true;
      deadline.stop();
      this.#connections.delete(connection);
      this.#leaving.delete(connection);
      if (broken && counts) counts.badFrames += 1;
    });
    return connection;
  }

  #accept(socket: Socket, origin: Origin): void {
    const { connections = 256 } = this.#options;
    const most = Math.max(this.#connections.size, this.#leaving.size);
    if (origin === "tcp" && most >= connections) this.#turnAway(socket, connections);
    else this.handle(socket, origin);
  }

  // Whoever comes when all is taken is told so, if not too many are being told already.
  #turnAway(socket: Socket, most: number): void {
    const { clock, counts, limits = standard } = this.#options;
    if (counts) counts.attachesFailed += 1;
    if (this.#turnedAway.size >= turnedAwayAtOnce) {
      socket.on("error", () => undefined);
      socket.destroy();
      return;
    }
    const host = { attach: () => Promise.reject(fault.full(String(most))) };
    const connection = serve(wireFromSocket(socket), host, { msize: limits.msize, window: 4 });
    const deadline = clock.after(1000, () => connection.close());
    this.#turnedAway.add(connection);
    connection.closed.then(() => {
      deadline.stop();
      this.#turnedAway.delete(connection);
    });
  }

  async listenTcp(place: Listening): Promise<Listening> {
    const { server, at } = await listenTcp(place, (socket) => this.#accept(socket, "tcp"));
    this.#servers.push(server);
    return at;
  }

  async listenUnix(path: string): Promise<void> {
    const server = await listenUnix(path, this.#options.uid, (socket) => this.#accept(socket, "unix"));
    this.#servers.push(server);
  }

  async close(): Promise<void> {
    const closed = this.#servers.splice(0).map((server) => new Promise((done) => server.close(done)));
    const all = [...this.#connections, ...this.#leaving];
    const ended = all.map((connection) => connection.closed);
    for (const connection of [...all, ...this.#turnedAway]) connection.close();
    await Promise.all([...closed, ...ended]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** An edge that shows the tree over 9P2000.L; every attach gets its session from `door`. */
export function createNinepEdge(door: NinepDoor, options: NinepOptions): NinepEdge {
  return new Edge(door, options);
}
