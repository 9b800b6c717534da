import type { Connection } from "@libp2p/interface";
import { type Clock, delay } from "@skep/clock";
import { view } from "./addresses.ts";
import type { MeshStream } from "./contract.ts";
import type { Events } from "./events.ts";
import type { Links } from "./links.ts";

/** One asks whether it is reached at the address from which it is seen and a port of its own; the other dials and tells. */
export const reachProtocol = "/skep/reach/1";

/** What learns how this node is reached is given. */
export interface Reaching {
  readonly clock: Clock;
  readonly events: Events;
  readonly links: Links;
  readonly bound: () => readonly string[];
  readonly open: (peer: string, signal: AbortSignal) => Promise<MeshStream>;
  /** Dials one address anew, whatever stands already. */
  readonly dial: (address: string, signal: AbortSignal) => Promise<Connection>;
  /** The addresses at which this node is reached have changed. */
  readonly changed: () => void;
}

const second = 1000;
/** Milliseconds for the dial back, and for the whole question. */
const dialing = 3 * second;
const asking = 8 * second;
/** Milliseconds after which what was learned is asked again. */
const stale = 10 * 60 * second;
/** Peers that are asked before it is taken that nobody gets through. */
const opinions = 2;
/** Dials that are made for others at a time. */
const atOnce = 8;
const longest = 256;

async function allOf(stream: MeshStream): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const bytes of stream) {
    parts.push(bytes);
    length += bytes.length;
    if (length > longest) throw new Error("it says too much");
    if (bytes.at(-1) === 10) break;
  }
  return Buffer.concat(parts);
}

/** Learns from peers whether this node is reached from outside, and tells them the same of themselves. */
export class Reach {
  readonly #with: Reaching;
  /** Peers with which a dial back is on its way: its connection is not for use. */
  readonly #probing = new Set<string>();
  readonly #failed = new Set<string>();
  #state: "unknown" | "public" | "private" = "unknown";
  #address: string | undefined;
  #learned = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(reaching: Reaching) {
    this.#with = reaching;
  }

  /** Where others have reached this node from outside. */
  get addresses(): readonly string[] {
    return this.#address === undefined ? [] : [this.#address];
  }

  /** Whether a connection is only there to see whether it can be made. */
  isProbe(connection: Connection): boolean {
    const peer = connection.remotePeer.toString();
    return this.#probing.has(peer) && this.#with.links.of(peer).length > 0;
  }

  /** Dials back: only the very host that asks, so that nobody is made to dial a third. */
  async answer(stream: MeshStream): Promise<void> {
    const { host, scope } = view(stream.address);
    const port = Number((await allOf(stream)).toString("latin1").trim());
    const busy = this.#probing.size >= atOnce || this.#probing.has(stream.peer);
    if (!(Number.isInteger(port) && port > 0 && port < 65_536) || scope !== "public" || busy) return;
    if (stream.path !== "direct") return;
    const address = `/ip${host.includes(":") ? 6 : 4}/${host}/tcp/${port}`;
    const reached = await this.#probe(stream.peer, `${address}/p2p/${stream.peer}`);
    await stream.write(Buffer.from(`${reached ? "reached" : "silent"} ${address}\n`));
  }

  async #probe(peer: string, address: string): Promise<boolean> {
    const limit = new AbortController();
    const timer = this.#with.clock.after(dialing, () => limit.abort(new Error("ETIMEDOUT")));
    this.#probing.add(peer);
    try {
      const connection = await this.#with.dial(address, limit.signal);
      connection.abort(new Error("it was reached"));
      return true;
    } catch {
      return false;
    } finally {
      timer.stop();
      this.#probing.delete(peer);
    }
  }

  /** A peer is there that can be asked; one that gives no answer is asked again while it is there. */
  async met(peer: string, tries = 3): Promise<void> {
    const { clock, links } = this.#with;
    const far = links.best(peer)?.far;
    const known = this.#state === "public" || this.#failed.size >= opinions;
    if (known && clock.monotonic() - this.#learned < stale) return;
    if (this.#asking || far?.path !== "direct" || view(far.address).scope !== "public") return;
    this.#asking = true;
    const learned = this.#learned;
    try {
      await this.#ask(peer);
    } catch {
      // It is gone, or does not say: another one will, or it does later.
    } finally {
      this.#asking = false;
    }
    if (this.#learned === learned && tries > 1) clock.after(asking / 2, () => void this.met(peer, tries - 1));
  }

  /** The port over which others would come. */
  #port(): number | undefined {
    const views = this.#with.bound().map(view);
    return views.find(({ transport, scope }) => transport === "tcp" && scope !== "loopback")?.port;
  }

  async #ask(peer: string): Promise<void> {
    const { clock, open } = this.#with;
    const port = this.#port();
    if (port === undefined) return;
    const limit = new AbortController();
    const timer = clock.after(asking, () => limit.abort(new Error("ETIMEDOUT")));
    this.#probing.add(peer);
    try {
      const stream = await open(peer, limit.signal);
      await stream.write(Buffer.from(`${port}\n`));
      const late = delay(clock, asking).then(() => stream.abort(new Error("ETIMEDOUT")));
      void late.catch(() => undefined);
      const said = (await allOf(stream)).toString("latin1");
      const [, verdict, address] = /^(reached|silent) (\/ip[46]\/[^/]+\/tcp\/\d+)\n$/.exec(said) ?? [];
      if (address !== undefined) this.#learn(peer, verdict === "reached", address);
    } finally {
      timer.stop();
      this.#probing.delete(peer);
    }
  }

  #learn(peer: string, reached: boolean, address: string): void {
    const { clock, events, changed } = this.#with;
    this.#learned = clock.monotonic();
    if (reached) this.#failed.clear();
    else this.#failed.add(peer);
    const state = reached ? "public" : "private";
    const before = this.#address;
    this.#address = reached ? address : undefined;
    if (state !== this.#state) {
      this.#state = state;
      events.tell({ kind: "reachability", state, by: peer, address });
    }
    if (this.#address !== before) changed();
  }
}
