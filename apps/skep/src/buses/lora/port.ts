import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { randomInt } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Clock } from "@skep/clock";
import { type Datagram, encodeDatagram, isSent, type Txpk, type TxpkAck } from "@skep/lora";
import { fault } from "./faults.ts";
import { Gateways, type Place, type Verdict } from "./heard.ts";
import type { Told } from "./memory.ts";
import type { Rules } from "./rules.ts";

/** What a port is made of. */
export interface PortOptions {
  /** The rules as they are now. */
  readonly rules: () => Rules;
  readonly clock: Clock;
  /** Keeps lines; what it keeps is acknowledged, what it throws at is not. */
  readonly keep: (lines: readonly object[]) => Promise<void>;
  /** Told of each datagram. */
  readonly seen: (verdict: Verdict, from: Place) => void;
}

type Waiting = {
  readonly gateway: string;
  readonly place: Place;
  readonly answered: (ack: TxpkAck) => void;
};

/** Datagrams that are judged at once; the socket's own buffer is full far later. */
const mostWaiting = 256;

/** The socket that packet forwarders speak to. */
export class Port {
  readonly #options: PortOptions;
  readonly #gateways = new Gateways();
  /** Frames that gateways were asked to send and have not said what they make of, by token. */
  readonly #asked = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #under = 0;

  constructor(options: PortOptions) {
    this.#options = options;
  }

  /** Listens; gives the port. Throws `gateway.port`. */
  async open(): Promise<number> {
    const { host, port } = this.#options.rules().radio.listen;
    const socket = createSocket({
      type: isIPv6(host) ? "udp6" : "udp4",
      ...(isIPv6(host) && { ipv6Only: true }),
    });
    try {
      await new Promise<void>((done, failed) => {
        socket.once("error", failed);
        socket.bind(port, host, () => {
          socket.off("error", failed);
          done();
        });
      });
    } catch (cause) {
      socket.close();
      throw fault.port(`${host}:${port}: ${(cause as Error).message}`, { cause });
    }
    // What an ICMP says of one gateway is no matter of the others.
    socket.on("error", () => undefined);
    socket.on("message", (bytes, from) => void this.#came(bytes, from));
    this.#socket = socket;
    return socket.address().port;
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Whether a frame could be sent at this moment. */
  get isReady(): boolean {
    return this.#gateways.ready(this.#options.rules(), this.#options.clock.monotonic()) !== undefined;
  }

  #send(datagram: Datagram, { address, port }: Place): Promise<void> {
    const socket = this.#socket;
    if (!socket) return Promise.reject(fault.away());
    return new Promise((done, failed) => {
      socket.send(encodeDatagram(datagram), port, address, (error) => (error ? failed(error) : done()));
    });
  }

  async #came(bytes: Buffer, { address, port }: RemoteInfo): Promise<void> {
    const { seen } = this.#options;
    const from = { address, port };
    if (this.#under >= mostWaiting) return seen("flood", from);
    this.#under += 1;
    try {
      seen(await this.#verdict(bytes, from), from);
    } finally {
      this.#under -= 1;
    }
  }

  async #verdict(bytes: Buffer, from: Place): Promise<Verdict> {
    const { rules, clock, keep } = this.#options;
    let judged: ReturnType<Gateways["judge"]>;
    try {
      judged = this.#gateways.judge(bytes, from, rules(), clock.monotonic(), clock.now());
    } catch {
      // Rules that cannot be read name nobody.
      return "unknown";
    }
    const { verdict, lines, answer, ack } = judged;
    if (ack) return this.#answered(ack, from) ? "taken" : "stray";
    try {
      if (lines.length > 0) await keep(lines);
    } catch {
      this.#gateways.forget(bytes);
      return "unkept";
    }
    // An acknowledgement that is lost is asked for again, or missed: nothing depends on it.
    if (answer) await this.#send(answer, from).catch(() => undefined);
    return verdict;
  }

  #answered({ token, gateway, ack }: { token: number; gateway: string; ack: TxpkAck }, from: Place): boolean {
    const waiting = this.#asked.get(token);
    if (waiting?.gateway !== gateway) return false;
    if (waiting.place.address !== from.address || waiting.place.port !== from.port) return false;
    this.#asked.delete(token);
    waiting.answered(ack);
    return true;
  }

  #token(): number {
    for (;;) {
      const token = randomInt(0x10000);
      if (!this.#asked.has(token)) return token;
    }
  }

  /**
   * Asks one gateway, once, to send a frame. Refused where it surely does not, sent where it said that it will, unsure where
   * it says nothing.
   */
  async transmit(txpk: Txpk): Promise<Told> {
    const { rules, clock } = this.#options;
    const { answer } = rules().radio;
    const gateway = this.#gateways.ready(rules(), clock.monotonic());
    if (!gateway) return { state: "refused", reason: fault.away().message };
    const token = this.#token();
    const told = Promise.withResolvers<Told>();
    const unsure = `gateway ${gateway.eui} did not answer within ${answer} ms`;
    const timer = clock.after(answer, () => told.resolve({ state: "unsure", reason: unsure }));
    this.#asked.set(token, {
      ...{ gateway: gateway.eui, place: gateway.place },
      answered: (ack) => told.resolve(toldOf(ack, gateway.eui)),
    });
    try {
      // Whoever could not hand it to the network did not ask.
      await this.#send({ kind: "pull-resp", token, txpk }, gateway.place).catch((error: Error) =>
        told.resolve({ state: "refused", reason: `gateway ${gateway.eui}: ${error.message}` }),
      );
      return await told.promise;
    } finally {
      timer.stop();
      this.#asked.delete(token);
    }
  }
}

function toldOf(ack: TxpkAck, eui: string): Told {
  if (!isSent(ack)) return { state: "refused", reason: `gateway ${eui}: ${ack.error}` };
  const { warn, value } = ack;
  if (warn === undefined) return { state: "sent", reason: "" };
  return { state: "sent", reason: `gateway ${eui}: ${warn}${value === undefined ? "" : ` ${value}`}` };
}
