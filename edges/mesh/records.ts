import { createHash } from "node:crypto";
import type { Libp2p, PeerInfo } from "@libp2p/interface";
import { peerIdFromMultihash } from "@libp2p/peer-id";
import type { Clock } from "@skep/clock";

type Digest = Parameters<typeof peerIdFromMultihash>[0];
type Key = Parameters<Libp2p["contentRouting"]["provide"]>[0];

/** The key of a name in the table: a CID over its SHA-256. */
export function keyOf(name: string): Key {
  const digest = createHash("sha256").update(name).digest();
  const bytes = Buffer.concat([Buffer.of(0x12, 0x20), digest]);
  return peerIdFromMultihash({ code: 0x12, size: 32, digest, bytes } as Digest).toCID() as Key;
}

const minute = 60_000;
/** Milliseconds after which records are told again: they are dropped where nobody repeats them. */
const repeat = 20 * minute;
/** Milliseconds that new peers are gathered, before they are told what we have. */
const gather = 1000;
const oneTelling = 30_000;

/** What this node has, told to the table and told again: by time, and when the network grows or merges. */
export class Records {
  readonly #libp2p: Libp2p;
  readonly #clock: Clock;
  readonly #mine = new Set<string>();
  readonly #ended = new AbortController();
  #due: { stop(): void } | undefined;
  #soon = false;

  constructor(libp2p: Libp2p, clock: Clock) {
    this.#libp2p = libp2p;
    this.#clock = clock;
  }

  async provide(name: string, signal?: AbortSignal): Promise<void> {
    this.#mine.add(name);
    this.#plan(repeat);
    await this.#tell(name, signal);
  }

  async withdraw(name: string): Promise<void> {
    this.#mine.delete(name);
    await this.#libp2p.contentRouting.cancelReprovide(keyOf(name));
  }

  /** A peer has come: who is new to us may be new to our records. */
  grown(): void {
    if (this.#mine.size === 0 || this.#soon) return;
    this.#soon = true;
    this.#plan(gather);
  }

  #plan(ms: number): void {
    this.#due?.stop();
    this.#due = this.#clock.after(ms, () => void this.#tellAll());
  }

  async #tellAll(): Promise<void> {
    this.#soon = false;
    for (const name of [...this.#mine]) await this.#tell(name).catch(() => undefined);
    if (!this.#ended.signal.aborted) this.#plan(repeat);
  }

  async #tell(name: string, signal?: AbortSignal): Promise<void> {
    await this.#limited(signal, (either) =>
      this.#libp2p.contentRouting.provide(keyOf(name), { signal: either }),
    );
  }

  async #limited<T>(signal: AbortSignal | undefined, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = new AbortController();
    const timer = this.#clock.after(oneTelling, () => limit.abort(new Error("ETIMEDOUT")));
    const signals = [limit.signal, this.#ended.signal, ...(signal ? [signal] : [])];
    try {
      return await act(AbortSignal.any(signals));
    } finally {
      timer.stop();
    }
  }

  async put(key: string, value: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#limited(signal, (either) =>
      this.#libp2p.contentRouting.put(Buffer.from(key), value, { signal: either }),
    );
  }

  /** Whoever keeps one that does not count is as if it kept none. */
  async get(key: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return await this.#limited(signal, (either) =>
      this.#libp2p.contentRouting.get(Buffer.from(key), { signal: either }),
    ).catch((thrown: unknown) => {
      if (signal?.aborted || this.#ended.signal.aborted) throw thrown;
      return undefined;
    });
  }

  async *find(name: string, signal?: AbortSignal): AsyncGenerator<PeerInfo> {
    const stop = AbortSignal.any([this.#ended.signal, ...(signal ? [signal] : [])]);
    const seen = new Set<string>();
    for await (const info of this.#libp2p.contentRouting.findProviders(keyOf(name), { signal: stop })) {
      const peer = info.id.toString();
      if (seen.has(peer) || info.id.equals(this.#libp2p.peerId)) continue;
      seen.add(peer);
      yield info;
    }
  }

  stop(): void {
    this.#due?.stop();
    this.#ended.abort(new Error("the mesh is closed"));
  }
}
