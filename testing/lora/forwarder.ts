import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** A frame that was sent: when it began, monotonic milliseconds, and for how long it was on the air. */
export interface OnAir {
  readonly at: number;
  readonly ms: number;
  readonly hex: string;
  readonly freq: number;
  readonly datr: string;
}

/** What a forwarder says of frames that it is to send: that it does, a word why not, or nothing though it sends. */
export type Manner = "take" | "mute" | { readonly refuse: string };

interface Asked {
  readonly imme?: boolean;
  readonly freq: number;
  readonly datr: string;
  readonly codr: string;
  readonly prea?: number;
  readonly size: number;
  readonly data: string;
}

/** Symbols of a frame with header and checksum, by Semtech's AN1200.13, and how long they take. */
function milliseconds({ datr, codr, prea = 8, size }: Asked): number {
  const [, sf = 12, bw = 125] = (/^SF(\d+)BW(\d+)$/.exec(datr) ?? []).map(Number);
  const symbol = 2 ** sf / bw;
  const optimised = symbol >= 16 ? 1 : 0;
  const blocks = Math.ceil((8 * size - 4 * sf + 44) / (4 * (sf - 2 * optimised)));
  return (prea + 12.25 + Math.max(0, blocks * Number(codr.slice(2)))) * symbol;
}

const version = 2;

/**
 * A LoRa gateway with Semtech's packet forwarder, written from its public protocol alone. It sends what it is told to, as
 * its radio could: one frame at a time; and complains about whatever a server may not do.
 */
export class PacketForwarder implements AsyncDisposable {
  readonly eui: string;
  /** What the server did wrong. */
  readonly complaints: string[] = [];
  readonly sent: OnAir[] = [];
  manner: Manner = "take";
  /** Says what it makes of each frame so many times, as a network that doubles datagrams. */
  answers = 1;
  readonly #socket: Socket;
  readonly #server: number;
  readonly #acknowledged = new Set<string>();
  readonly #tokens = new Set<number>();
  #token = 0;
  #wake = Promise.withResolvers<void>();

  private constructor(eui: string, server: number, socket: Socket) {
    this.eui = eui;
    this.#server = server;
    this.#socket = socket;
    socket.on("message", (bytes) => this.#came(bytes));
  }

  /** One that speaks to a server on this machine. */
  static async start(eui: string, server: number): Promise<PacketForwarder> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new PacketForwarder(eui, server, socket);
  }

  #next(): number {
    this.#token = (this.#token + 1) & 0xffff;
    return this.#token;
  }

  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#server, "127.0.0.1");
  }

  /** A datagram of a kind, as this gateway sends it; gives its token. */
  say(kind: number, body = "", token: number = this.#next()): number {
    const head = Buffer.from([version, token >> 8, token & 255, kind]);
    this.raw(Buffer.concat([head, Buffer.from(this.eui, "hex"), Buffer.from(body)]));
    return token;
  }

  /** Asks for work until the server says that it heard. */
  async pull(): Promise<void> {
    await this.#until(() => this.say(2), 4);
  }

  /** Tells of frames or a state, once; resolves when the server acknowledges it. */
  async push(body: object): Promise<void> {
    const token = this.say(0, JSON.stringify(body));
    while (!this.#acknowledged.has(`1 ${token}`)) await this.#wake.promise;
  }

  async #until(say: () => number, kind: number): Promise<void> {
    const tokens: number[] = [];
    while (!tokens.some((token) => this.#acknowledged.has(`${kind} ${token}`))) {
      tokens.push(say());
      const timer = setTimeout(() => this.#wakeUp(), 100);
      await this.#wake.promise;
      clearTimeout(timer);
    }
  }

  /** Whether the server acknowledged a datagram. */
  isAcknowledged(token: number): boolean {
    return this.#acknowledged.has(`1 ${token}`) || this.#acknowledged.has(`4 ${token}`);
  }

  /** The most that was on the air within any span of so many milliseconds. */
  mostOnAir(windowMs: number): number {
    // The fullest span ends with a frame.
    return Math.max(
      0,
      ...this.sent.map(({ at, ms }) => {
        const from = at + ms - windowMs;
        return this.sent
          .filter((other) => other.at <= at)
          .reduce((sum, other) => sum + Math.max(0, other.at + other.ms - Math.max(other.at, from)), 0);
      }),
    );
  }

  #wakeUp(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  #came(bytes: Buffer): void {
    const [spoken, high = 0, low = 0, kind] = bytes;
    const token = high * 256 + low;
    if (spoken !== version) this.complaints.push(`version ${spoken}`);
    else if (kind === 1 || kind === 4) {
      if (bytes.length !== 4) this.complaints.push(`an acknowledgement of ${bytes.length} bytes`);
      this.#acknowledged.add(`${kind} ${token}`);
    } else if (kind === 3) this.#asked(token, bytes.toString("utf8", 4));
    else this.complaints.push(`a datagram of kind ${kind}`);
    this.#wakeUp();
  }

  #asked(token: number, body: string): void {
    const { txpk } = JSON.parse(body) as { readonly txpk: Asked };
    const data = Buffer.from(txpk.data, "base64");
    if (data.length !== txpk.size) this.complaints.push(`size ${txpk.size} of ${data.length} bytes`);
    if (txpk.imme !== true) this.complaints.push("a frame without a time");
    if (this.#tokens.has(token)) this.complaints.push(`token ${token} twice`);
    this.#tokens.add(token);
    const error = this.#take(txpk, data);
    if (this.manner === "mute") return;
    const words = error === undefined ? "" : JSON.stringify({ txpk_ack: { error } });
    for (let time = 0; time < this.answers; time += 1) this.say(5, words, token);
  }

  #take(txpk: Asked, data: Buffer): string | undefined {
    if (typeof this.manner === "object") return this.manner.refuse;
    const at = performance.now();
    const last = this.sent.at(-1);
    if (last && last.at + last.ms > at) return "COLLISION_PACKET";
    const { freq, datr } = txpk;
    this.sent.push({ at, ms: milliseconds(txpk), hex: data.toString("hex"), freq, datr });
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }
}
