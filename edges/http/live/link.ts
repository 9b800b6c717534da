import type { Clock, Timer } from "@skep/clock";
import { toFault } from "@skep/fault";
import { z } from "zod";
import type { Actor } from "../auth/authenticate.ts";
import { fault } from "../faults.ts";
import { problemOf } from "../problem.ts";
import type { Hubs } from "./hub.ts";
import type { Feed } from "./message.ts";
import type { From } from "./stream-topic.ts";

/** The part of a WebSocket that a link uses. */
export interface Wire {
  send(text: string, sent: (error?: Error) => void): void;
  close(code: number, reason: string): void;
  terminate(): void;
  ping(): void;
  on(event: "message", act: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: "pong" | "close" | "error", act: () => void): unknown;
}

const id = z
  .int()
  .min(0)
  .max(2 ** 31);
/** What a client says over its one connection. */
export const Said = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("prove"), signature: z.string().max(128) }),
  z.strictObject({
    op: z.literal("sub"),
    id,
    path: z.string().max(4096),
    cursor: z.string().max(64).optional(),
    from: z.enum(["start", "now"]).optional(),
  }),
  z.strictObject({ op: z.literal("unsub"), id }),
  z.strictObject({ op: z.literal("ping"), id }),
]);
type Sub = Extract<z.infer<typeof Said>, { op: "sub" }>;

/** What a link is given. */
export interface LinkOptions {
  readonly clock: Clock;
  readonly hubs: Hubs;
  /** Subscriptions on one connection. */
  readonly subscriptions: number;
  /** Milliseconds until a client that takes nothing is cut off. */
  readonly stall: number;
}

interface Followed {
  readonly id: number;
  readonly feed: Feed;
  readonly stop: () => void;
}

/** Bytes that may wait for one client; beyond, nothing more is taken from its feeds. */
const high = 256 * 1024;
const pinging = 20_000;
const perSecond = 200;

/** One page's connection: any number of things followed, in turns, with bounded memory. */
export class Link {
  readonly #wire: Wire;
  readonly #options: LinkOptions;
  readonly #followed = new Map<number, Followed>();
  readonly #opening = new Set<number>();
  /** Those that may have news, in the order of their turns. */
  readonly #news = new Set<Followed>();
  #actor: Actor | undefined;
  #hold: ReturnType<Hubs["of"]> | undefined;
  #unwatch: () => void = () => undefined;
  #pending = 0;
  #drained: (() => void) | undefined;
  #isPumping = false;
  #isClosed = false;
  #heard = true;
  #said = 0;
  #timer: Timer;

  constructor(wire: Wire, options: LinkOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#timer = this.#beat();
    wire.on("pong", () => {
      this.#heard = true;
    });
    wire.on("close", () => this.#end());
    wire.on("error", () => this.#end());
  }

  get subscriptions(): number {
    return this.#followed.size;
  }

  #beat(): Timer {
    let beats = 0;
    const again = (): Timer =>
      this.#options.clock.after(1000, () => {
        this.#said = 0;
        beats += 1;
        if (beats % (pinging / 1000) === 0 && !this.#alive()) return;
        this.#timer = again();
      });
    return again();
  }

  #alive(): boolean {
    if (!this.#heard) {
      this.#wire.terminate();
      return false;
    }
    this.#heard = false;
    this.#wire.ping();
    return true;
  }

  tell(message: unknown): void {
    this.#send(JSON.stringify(message));
  }

  #send(text: string): void {
    if (this.#isClosed) return;
    const size = text.length;
    this.#pending += size;
    this.#wire.send(text, () => {
      this.#pending -= size;
      if (this.#pending < high) this.#drained?.();
    });
  }

  /** Begins to serve whoever it turned out to be. */
  serve(actor: Actor): void {
    this.#actor = actor;
    this.#hold = this.#options.hubs.of(actor.shared);
    this.#unwatch = actor.shared.session.onClose((reason) => this.#wire.close(4401, reason.slice(0, 100)));
    const { subject, authority } = actor.session;
    this.tell({
      op: "ready",
      subject,
      role: authority.role,
      armed_ms: actor.page?.armedFor,
      subscriptions: this.#options.subscriptions,
      now: this.#options.clock.now(),
    });
  }

  /** Takes what the client says; `prove` is for whoever made the link. */
  hear(said: z.infer<typeof Said>): void {
    this.#said += 1;
    if (this.#said > perSecond) {
      this.#wire.close(1008, "too many messages");
      return;
    }
    if (said.op === "sub") void this.#sub(said);
    else if (said.op === "unsub") this.#unsub(said.id);
    else if (said.op === "ping") this.tell({ op: "pong", id: said.id, now: this.#options.clock.now() });
  }

  async #sub({ id: key, path, cursor, from }: Sub): Promise<void> {
    try {
      if (this.#followed.size + this.#opening.size >= this.#options.subscriptions)
        throw fault.many(this.#options.subscriptions);
      if (!this.#hold || !this.#actor) throw fault.ticket();
      if (this.#followed.has(key) || this.#opening.has(key)) throw fault.query(`id ${key} is in use`);
      this.#opening.add(key);
      const begin: From = cursor === undefined ? (from ?? "start") : { cursor };
      const feed = await this.#hold.hub.open({ path, from: begin });
      this.#began(key, feed);
    } catch (thrown) {
      this.#opening.delete(key);
      this.tell({ op: "error", id: key, problem: problemOf(toFault(thrown)) });
    }
  }

  #began(key: number, feed: Feed): void {
    // It may have been taken back, or the client may have left, while the file was looked for.
    if (!this.#opening.delete(key) || this.#isClosed) {
      feed.close();
      return;
    }
    const followed: Followed = {
      id: key,
      feed,
      stop: feed.ready(() => {
        this.#news.add(followed);
        void this.#pump();
      }),
    };
    this.#followed.set(key, followed);
    this.tell({ op: "sub", id: key, kind: feed.kind, cursor: feed.cursor });
    this.#news.add(followed);
    void this.#pump();
  }

  #unsub(key: number): void {
    this.#opening.delete(key);
    const followed = this.#followed.get(key);
    if (followed) this.#drop(followed);
    this.tell({ op: "unsub", id: key });
  }

  #drop(followed: Followed): void {
    followed.stop();
    followed.feed.close();
    this.#news.delete(followed);
    if (this.#followed.get(followed.id) === followed) this.#followed.delete(followed.id);
  }

  // What has news takes turns; while the client takes nothing, nothing is taken from the feeds either.
  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (const followed of this.#news) {
      if (this.#isClosed) break;
      this.#news.delete(followed);
      if (await this.#give(followed)) this.#news.add(followed);
      if (this.#pending >= high) await this.#room();
    }
    this.#isPumping = false;
  }

  async #give(followed: Followed): Promise<boolean> {
    try {
      const message = await followed.feed.take();
      if (!message || this.#followed.get(followed.id) !== followed) return false;
      const { event, cursor, json } = message;
      this.#send(`{"op":"event","id":${followed.id},"event":"${event}","cursor":"${cursor}","data":${json}}`);
      return event !== "end";
    } catch (thrown) {
      this.tell({ op: "error", id: followed.id, problem: problemOf(toFault(thrown)) });
      this.#drop(followed);
      return false;
    }
  }

  async #room(): Promise<void> {
    const late = this.#options.clock.after(this.#options.stall, () => this.#wire.terminate());
    await new Promise<void>((drained) => {
      this.#drained = drained;
    });
    this.#drained = undefined;
    late.stop();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer.stop();
    this.#unwatch();
    for (const followed of [...this.#followed.values()]) this.#drop(followed);
    this.#hold?.release();
    this.#drained?.();
  }
}
