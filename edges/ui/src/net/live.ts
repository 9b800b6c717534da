import type { Problem } from "./refusal.ts";

/** How the one connection stands. */
export type LinkState = "connecting" | "open" | "lost" | "ended";

/** What comes of something followed. */
export type LiveEvent =
  | {
      readonly event: "data";
      readonly data: {
        readonly at: number;
        readonly next: number;
        readonly text?: string;
        readonly b64?: string;
      };
    }
  | {
      readonly event: "gap";
      readonly data: { readonly from?: number; readonly to: number; readonly restarted?: boolean };
    }
  | { readonly event: "text"; readonly data: { readonly text?: string; readonly b64?: string } }
  | {
      readonly event: "list";
      readonly data: { readonly entries: readonly { readonly name: string; readonly kind: string }[] };
    }
  | { readonly event: "end"; readonly data: { readonly at: number } }
  | { readonly event: "error"; readonly data: Problem };

/** The part of a socket that is used. */
export interface Wire {
  send(text: string): void;
  close(): void;
}

/** What a link stands on. */
export interface LiveGround {
  /** Opens a socket and tells what happens to it. */
  dial(heard: (text: string) => void, closed: (code: number) => void): Wire;
  sign(challenge: string): Promise<string>;
  after(ms: number, act: () => void): () => void;
}

interface Sub {
  readonly path: string;
  readonly from: "start" | "now";
  readonly hear: (event: LiveEvent) => void;
  cursor: string | undefined;
  id: number;
}

interface Said {
  readonly op: string;
  readonly id?: number;
  readonly challenge?: string;
  readonly now?: number;
  readonly event?: LiveEvent["event"];
  readonly cursor?: string;
  readonly data?: never;
  readonly problem?: Problem;
  readonly armed_ms?: number;
}

/** Messages in a row, and the pause behind them: the server takes 200 in a second. */
const burst = 60;
const pause = 400;
const retries = [300, 700, 1500, 3000, 5000] as const;

/** One connection for everything that the page follows; it comes back by itself and goes on behind what was heard. */
export class Live {
  readonly #ground: LiveGround;
  readonly #subs = new Map<number, Sub>();
  readonly #watchers = new Set<(state: LinkState) => void>();
  #outgoing: string[] = [];
  #wire: Wire | undefined;
  #state: LinkState = "connecting";
  #ids = 0;
  #tries = 0;
  #stopRetry: () => void = () => undefined;
  #isSending = false;
  /** How often the connection came back, and how it is told when the hive says its time. */
  returns = 0;
  onNow: (now: number, armed: number | undefined) => void = () => undefined;

  constructor(ground: LiveGround) {
    this.#ground = ground;
  }

  get state(): LinkState {
    return this.#state;
  }

  watch(act: (state: LinkState) => void): () => void {
    this.#watchers.add(act);
    return () => this.#watchers.delete(act);
  }

  #become(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const act of this.#watchers) act(state);
  }

  /** Connects now, without waiting for the next try. */
  connect(): void {
    if (this.#wire || this.#state === "ended") return;
    this.#stopRetry();
    const wire = this.#ground.dial(
      (text) => {
        if (this.#wire === wire) this.#hear(text);
      },
      (code) => {
        if (this.#wire === wire || !this.#wire) this.#closed(code);
      },
    );
    this.#wire = wire;
  }

  #closed(code: number): void {
    this.#wire = undefined;
    this.#outgoing = [];
    if (code === 4401) {
      this.#become("ended");
      return;
    }
    this.#become("lost");
    const wait = retries[Math.min(this.#tries, retries.length - 1)] ?? 5000;
    this.#tries += 1;
    this.#stopRetry = this.#ground.after(wait, () => this.connect());
  }

  #hear(text: string): void {
    const said = JSON.parse(text) as Said;
    if (said.op === "event") this.#event(said);
    else if (said.op === "hello") void this.#prove(said.challenge ?? "");
    else if (said.op === "ready") this.#ready(said);
    else if (said.op === "error" && said.problem) this.#refused(said.id, said.problem);
  }

  async #prove(challenge: string): Promise<void> {
    const signature = await this.#ground.sign(challenge);
    this.#wire?.send(JSON.stringify({ op: "prove", signature }));
  }

  #ready({ now, armed_ms }: Said): void {
    if (now !== undefined) this.onNow(now, armed_ms);
    if (this.#state === "lost") this.returns += 1;
    this.#tries = 0;
    this.#become("open");
    for (const sub of this.#subs.values()) this.#ask(sub);
  }

  #event({ id = -1, event, cursor, data }: Said): void {
    const sub = this.#subs.get(id);
    if (!sub || event === undefined || data === undefined) return;
    if (cursor !== undefined) sub.cursor = cursor;
    sub.hear({ event, data } as LiveEvent);
  }

  #refused(id: number | undefined, problem: Problem): void {
    const sub = id === undefined ? undefined : this.#subs.get(id);
    if (!sub) return;
    sub.hear({ event: "error", data: problem });
  }

  #ask({ id, path, from, cursor }: Sub): void {
    this.#send({ op: "sub", id, path, ...(cursor === undefined ? { from } : { cursor }) });
  }

  #send(message: unknown): void {
    if (this.#state !== "open") return;
    this.#outgoing.push(JSON.stringify(message));
    this.#flush();
  }

  #flush(): void {
    if (this.#isSending) return;
    for (const text of this.#outgoing.splice(0, burst)) this.#wire?.send(text);
    if (this.#outgoing.length === 0) return;
    this.#isSending = true;
    this.#ground.after(pause, () => {
      this.#isSending = false;
      this.#flush();
    });
  }

  /** Follows a path; the given function ends that. */
  follow(path: string, hear: (event: LiveEvent) => void, from: "start" | "now" = "start"): () => void {
    this.#ids += 1;
    const sub: Sub = { path, from, hear, cursor: undefined, id: this.#ids };
    this.#subs.set(sub.id, sub);
    this.#ask(sub);
    return () => {
      if (this.#subs.delete(sub.id)) this.#send({ op: "unsub", id: sub.id });
    };
  }

  /** Tries once more after the session had ended: there is a new one. */
  revive(): void {
    if (this.#state !== "ended") return;
    this.#state = "lost";
    this.connect();
  }

  close(): void {
    this.#stopRetry();
    this.#wire?.close();
    this.#become("ended");
  }
}
