import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { type Clock, delay } from "@skep/clock";
import { view } from "./addresses.ts";
import type { Events } from "./events.ts";
import { defaultGateway } from "./gateway.ts";
import {
  type Answer,
  pcpMap,
  pmpAddress,
  pmpMap,
  readPcp,
  readPmp,
  readPmpAddress,
  type Wish,
} from "./port-wire.ts";

/** What asks the router for ports is given. */
export interface Mapping {
  readonly clock: Clock;
  readonly events: Events;
  /** Addresses that this node listens on. */
  readonly bound: () => readonly string[];
  /** The mapped addresses have changed. */
  readonly changed: () => void;
  readonly gateway?: () => string | undefined;
  /** UDP port of the router. */
  readonly at?: number;
}

const second = 1000;
/** Seconds that a port is asked for. */
const lifetime = 7200;
/** Milliseconds until the same is asked again, as RFC 6886 has it, as often as a person would wait. */
const waits = [250, 500, 1000, 2000];
/** Milliseconds after which a router that gave nothing is asked again, and one that gave at the latest. */
const again = { nothing: 10 * 60 * second, least: 5 * second };

interface Mapped {
  readonly address: string;
  readonly lifetime: number;
}

/** One question and its answers, on a socket of its own. */
class Talk implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #clock: Clock;

  private constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  static async with(gateway: string, port: number, clock: Clock): Promise<Talk> {
    const socket = createSocket("udp4").unref();
    socket.connect(port, gateway);
    await once(socket, "connect");
    return new Talk(socket, clock);
  }

  /** The address from which the router sees us. */
  get from(): string {
    return this.#socket.address().address;
  }

  async ask<T>(
    question: Buffer,
    read: (answer: Buffer) => T | undefined,
    stop: AbortSignal,
  ): Promise<T | undefined> {
    const found = Promise.withResolvers<T | undefined>();
    const hear = (answer: Buffer): void => {
      const what = read(answer);
      if (what !== undefined) found.resolve(what);
    };
    // A router that serves no such port answers by ICMP.
    const closed = (): void => found.resolve(undefined);
    this.#socket.on("message", hear).once("error", closed);
    try {
      for (const wait of waits) {
        if (stop.aborted) break;
        this.#socket.send(question);
        const rest = new AbortController();
        const late = delay(this.#clock, wait, AbortSignal.any([rest.signal, stop])).then(
          () => "late" as const,
          () => undefined,
        );
        const heard = await Promise.race([found.promise, late]);
        rest.abort(new Error("heard"));
        if (heard !== "late") return heard;
      }
      return undefined;
    } finally {
      this.#socket.off("message", hear).off("error", closed);
      this.#socket.on("error", () => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}

/** Ports that shall be mapped: those on which this node listens, on other addresses than the loopback's. */
function wishesOf(bound: readonly string[]): readonly (Wish & { readonly end: string })[] {
  const found = new Map<string, Wish & { readonly end: string }>();
  for (const address of bound) {
    const { scope, transport, port } = view(address);
    if (!address.startsWith("/ip4/") || scope === "loopback" || transport === "relay") continue;
    const protocol = transport === "quic" ? "udp" : "tcp";
    const [, end = ""] = /^\/ip4\/[^/]+\/(?:tcp|udp)\/\d+(.*?)(?:\/p2p\/\w+)?$/.exec(address) ?? [];
    found.set(`${protocol} ${port}`, { protocol, port, end });
  }
  return [...found.values()];
}

/** Has ports mapped by the router, by PCP or NAT-PMP, and keeps them mapped. */
export class Ports {
  readonly #with: Mapping;
  readonly #stop = new AbortController();
  readonly #nonce = randomBytes(12);
  #mapped: readonly Mapped[] = [];
  #running: Promise<void> | undefined;
  #older = false;

  constructor(mapping: Mapping) {
    this.#with = mapping;
  }

  /** Addresses outside that lead here. */
  get addresses(): readonly string[] {
    return this.#mapped.map(({ address }) => address);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Gives the ports back. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error("the mesh is closed"));
    await this.#running;
    if (this.#mapped.length > 0) await this.#round(0).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { clock, changed, events } = this.#with;
    while (!this.#stop.signal.aborted) {
      const before = this.addresses.join(" ");
      const found = await this.#round(lifetime).catch(() => []);
      // Stopped while it asked: what was mapped before is still to be given back.
      if (this.#stop.signal.aborted) return;
      this.#mapped = found;
      if (this.addresses.join(" ") !== before) {
        events.tell({ kind: "mapped", addresses: this.addresses, by: this.#older ? "nat-pmp" : "pcp" });
        changed();
      }
      const shortest = Math.min(...this.#mapped.map(({ lifetime: seconds }) => seconds));
      const pause = Number.isFinite(shortest)
        ? Math.max(again.least, (shortest * second) / 2)
        : again.nothing;
      await delay(clock, pause, this.#stop.signal).catch(() => undefined);
    }
  }

  /** Asks for every port once. */
  async #round(seconds: number): Promise<readonly Mapped[]> {
    const { clock, bound, gateway = defaultGateway, at = 5351 } = this.#with;
    const router = gateway();
    const wishes = wishesOf(bound());
    if (router === undefined || wishes.length === 0) return [];
    await using talk = await Talk.with(router, at, clock);
    const stop = seconds === 0 ? AbortSignal.timeout(second) : this.#stop.signal;
    const found: Mapped[] = [];
    for (const wish of wishes) {
      const answer = await this.#map(talk, wish, seconds, stop);
      // Who does not answer the first question answers none.
      if (answer === undefined) break;
      if ("refused" in answer || answer.host === undefined || answer.lifetime === 0) continue;
      const address = `/ip4/${answer.host}/${wish.protocol}/${answer.port}${wish.end}`;
      if (view(address).scope === "public") found.push({ address, lifetime: answer.lifetime });
    }
    return found;
  }

  async #map(talk: Talk, wish: Wish, seconds: number, stop: AbortSignal): Promise<Answer | undefined> {
    if (!this.#older) {
      const asked = pcpMap(wish, talk.from, this.#nonce, seconds);
      const answer = await talk.ask(asked, (bytes) => readPcp(bytes, wish, this.#nonce), stop);
      if (answer === undefined || !("refused" in answer) || !answer.version) return answer;
      this.#older = true;
    }
    const answer = await talk.ask(pmpMap(wish, seconds), (bytes) => readPmp(bytes, wish), stop);
    if (answer === undefined || "refused" in answer || seconds === 0) return answer;
    const host = await talk.ask(pmpAddress(), readPmpAddress, stop);
    return { ...answer, ...(host !== undefined && { host }) };
  }
}
