import type { Clock, Timer } from "@skep/clock";
import type { Session } from "@skep/kernel";
import { fault } from "../faults.ts";
import type { Principal } from "../auth/principals.ts";
import type { Feed } from "./message.ts";
import { PolledFeed, PolledTopic } from "./polled-topic.ts";
import { type From, StreamFeed, StreamTopic } from "./stream-topic.ts";

/** What to follow and from where. */
export interface Wish {
  readonly path: string;
  /** Of a stream; for a file or directory the cursor of what is known already. */
  readonly from: From;
}

interface Held<T> {
  readonly topic: Promise<T>;
  users: number;
}

const most = 2000;

/** Everything that the holders of one ticket follow: each file is read once for all of them. */
export class Hub {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #born: string;
  readonly #streams = new Map<string, Held<StreamTopic>>();
  readonly #polled = new Map<string, Held<PolledTopic>>();

  constructor(session: Session, clock: Clock, born: string) {
    this.#session = session;
    this.#clock = clock;
    this.#born = born;
  }

  get topics(): number {
    return this.#streams.size + this.#polled.size;
  }

  /** Throws `session.*` faults, `http.cursor`, and `http.method` for what cannot be followed. */
  async open({ path, from }: Wish): Promise<Feed> {
    const plain = path.replace(/\.follow$/, "");
    const { place } = await this.#session.find(plain);
    const { kind } = place.node;
    if (kind === "stream" && place.facet === "plain") return this.#stream(plain, from);
    const isDir = kind === "dir" || kind === "each" || kind === "subtree";
    const isText = kind === "text" || kind === "value" || place.facet === "json";
    if (!isDir && !isText) throw fault.method(`follow a ${kind}`);
    return this.#poll(plain, isDir ? "list" : "text", from);
  }

  async #stream(path: string, from: From): Promise<Feed> {
    const held = this.#hold(this.#streams, path, () =>
      StreamTopic.open(this.#session, path, this.#clock, this.#born),
    );
    const release = this.#releaser(this.#streams, path, held, (topic) => topic.close());
    try {
      return await StreamFeed.open(await held.topic, from, release);
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  async #poll(path: string, kind: "list" | "text", from: From): Promise<Feed> {
    const held = this.#hold(this.#polled, path, async () => {
      const topic = new PolledTopic(kind, this.#session, path, this.#clock);
      await topic.now();
      return topic;
    });
    const release = this.#releaser(this.#polled, path, held, () => undefined);
    try {
      const seen = typeof from === "object" ? from.cursor : undefined;
      return new PolledFeed(await held.topic, seen, release);
    } catch (thrown) {
      release();
      throw thrown;
    }
  }

  #hold<T>(held: Map<string, Held<T>>, path: string, make: () => Promise<T>): Held<T> {
    const known = held.get(path);
    if (known) {
      known.users += 1;
      return known;
    }
    if (this.topics >= most) throw fault.many(`${most} files`);
    const made = { topic: make(), users: 1 };
    held.set(path, made);
    return made;
  }

  #releaser<T>(all: Map<string, Held<T>>, path: string, held: Held<T>, end: (topic: T) => void): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      held.users -= 1;
      if (held.users > 0) return;
      if (all.get(path) === held) all.delete(path);
      held.topic.then(end, () => undefined);
    };
  }

  /** Looks at what is read again by time. */
  beat(): void {
    for (const { topic } of this.#polled.values())
      void topic.then(
        (known) => known.beat(),
        () => undefined,
      );
  }

  close(): void {
    for (const { topic } of this.#streams.values())
      void topic.then(
        (known) => known.close(),
        () => undefined,
      );
  }
}

/** The hubs of all who follow something. */
export class Hubs {
  readonly #clock: Clock;
  readonly #touch: (key: string) => void;
  readonly born: string;
  readonly #hubs = new Map<string, { readonly session: Session; readonly hub: Hub; users: number }>();
  #timer: Timer | undefined;

  constructor(clock: Clock, born: string, touch: (key: string) => void) {
    this.#clock = clock;
    this.born = born;
    this.#touch = touch;
    this.#beat();
  }

  get topics(): number {
    let sum = 0;
    for (const { hub } of this.#hubs.values()) sum += hub.topics;
    return sum;
  }

  #beat(): void {
    this.#timer = this.#clock.after(250, () => {
      for (const [key, { hub }] of this.#hubs) {
        this.#touch(key);
        hub.beat();
      }
      this.#beat();
    });
  }

  /** The hub of a ticket, held until released. */
  of({ key, session }: Principal): { readonly hub: Hub; readonly release: () => void } {
    let held = this.#hubs.get(key);
    if (held?.session !== session) {
      held?.hub.close();
      held = { session, hub: new Hub(session, this.#clock, this.born), users: 0 };
      this.#hubs.set(key, held);
    }
    const mine = held;
    mine.users += 1;
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      mine.users -= 1;
      if (mine.users > 0) return;
      mine.hub.close();
      if (this.#hubs.get(key) === mine) this.#hubs.delete(key);
    };
    return { hub: mine.hub, release };
  }

  close(): void {
    this.#timer?.stop();
    for (const { hub } of this.#hubs.values()) hub.close();
    this.#hubs.clear();
  }
}
