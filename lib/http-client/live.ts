import type { Clock, Timer } from "@skep/clock";
import type { Credentials } from "./fetch.ts";
import type { Problem } from "./answers.table.ts";

/** The part of a WebSocket that is used; that of browsers and of Node fits. */
export interface LiveSocket {
  send(text: string): void;
  close(): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number }) => void) | null;
}

/** What a follower is told. */
export type LiveEvent =
  | {
      readonly event: "data";
      readonly cursor: string;
      readonly data: {
        readonly at: number;
        readonly next: number;
        readonly text?: string;
        readonly b64?: string;
      };
    }
  | {
      readonly event: "gap";
      readonly cursor: string;
      readonly data: { readonly from?: number; readonly to: number; readonly restarted?: boolean };
    }
  | {
      readonly event: "text";
      readonly cursor: string;
      readonly data: { readonly text?: string; readonly b64?: string };
    }
  | {
      readonly event: "list";
      readonly cursor: string;
      readonly data: {
        readonly entries: readonly { readonly name: string; readonly kind: "dir" | "file" }[];
      };
    }
  | { readonly event: "end"; readonly cursor: string; readonly data: { readonly at: number } }
  | { readonly event: "refused"; readonly problem: Problem };

/** `live` while events come, `lost` while the connection is made anew, `ended` when the session is over. */
export type LiveState = "connecting" | "live" | "lost" | "ended";

/** What a live connection is given. */
export interface LiveOptions {
  /** Opens a socket to `/v1/live`. */
  readonly connect: () => LiveSocket;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Hears of every change of state. */
  readonly state?: (state: LiveState) => void;
  /** Hears what the hive says when it is ready: who asks, its clock, arming. */
  readonly ready?: (told: {
    readonly subject: string;
    readonly role: string;
    readonly armed_ms?: number;
    readonly now: number;
  }) => void;
}

interface Followed {
  readonly path: string;
  readonly act: (event: LiveEvent) => void;
  from: "start" | "now";
  cursor: string | undefined;
}

/** Milliseconds to the next try: at first, and at most. */
const first = 250;
const longest = 5000;
/** Messages in a row, and milliseconds of pause behind them: a hive takes 200 in a second. */
const burst = 60;
const pause = 400;

/** One connection for everything that is followed. It comes back by itself and goes on where it was. */
export class Live {
  readonly #options: LiveOptions;
  readonly #followed = new Map<number, Followed>();
  #outgoing: string[] = [];
  #socket: LiveSocket | undefined;
  #state: LiveState = "connecting";
  #wait = first;
  #ids = 0;
  #retry: Timer | undefined;
  #pause: Timer | undefined;

  /** Nothing happens before `connect`. */
  constructor(options: LiveOptions) {
    this.#options = options;
  }

  get state(): LiveState {
    return this.#state;
  }

  #become(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.state?.(state);
  }

  /** Connects now, without waiting for the next try. Does nothing where there is a connection, or the session is over. */
  connect(): void {
    if (this.#socket || this.#state === "ended") return;
    this.#retry?.stop();
    const socket = this.#options.connect();
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(socket, JSON.parse(String(data)) as Heard);
    socket.onclose = ({ code }) => this.#lost(socket, code);
  }

  /** Goes on after the session had ended: there is a new one, or it was the hive that ended. `connect` is for now. */
  revive(): void {
    if (this.#state !== "ended") return;
    this.#become("lost");
    this.#again();
  }

  #lost(socket: LiveSocket, code: number): void {
    if (socket !== this.#socket || this.#state === "ended") return;
    this.#leave();
    if (code === 4401) {
      this.#become("ended");
      return;
    }
    this.#become("lost");
    this.#again();
  }

  #again(): void {
    this.#retry?.stop();
    this.#retry = this.#options.clock.after(this.#wait, () => this.connect());
    this.#wait = Math.min(longest, this.#wait * 2);
  }

  #leave(): void {
    this.#socket = undefined;
    this.#outgoing = [];
    this.#pause?.stop();
    this.#pause = undefined;
  }

  #say(message: unknown): void {
    if (this.#state !== "live") return;
    this.#outgoing.push(JSON.stringify(message));
    this.#flush();
  }

  #flush(): void {
    if (this.#pause) return;
    for (const text of this.#outgoing.splice(0, burst)) this.#socket?.send(text);
    if (this.#outgoing.length === 0) return;
    this.#pause = this.#options.clock.after(pause, () => {
      this.#pause = undefined;
      this.#flush();
    });
  }

  #hear(socket: LiveSocket, heard: Heard): void {
    if (socket !== this.#socket) return;
    if (heard.op === "hello") void this.#prove(socket, heard.challenge);
    else if (heard.op === "ready") this.#begin(heard);
    else if (heard.op === "event") this.#event(heard);
    else if (heard.op === "sub") this.#began(heard);
    else if (heard.op === "error" && heard.id !== undefined) this.#refused(heard.id, heard.problem);
  }

  async #prove(socket: LiveSocket, challenge: string): Promise<void> {
    const signature = await this.#options.credentials.prove(challenge);
    if (socket === this.#socket && signature !== undefined)
      socket.send(JSON.stringify({ op: "prove", signature }));
  }

  #begin(told: Extract<Heard, { op: "ready" }>): void {
    this.#wait = first;
    this.#become("live");
    this.#options.ready?.(told);
    for (const [id, followed] of this.#followed) this.#sub(id, followed);
  }

  #sub(id: number, { path, from, cursor }: Followed): void {
    this.#say({ op: "sub", id, path, ...(cursor === undefined ? { from } : { cursor }) });
  }

  #event({ id, event, cursor, data }: Extract<Heard, { op: "event" }>): void {
    const followed = this.#followed.get(id);
    if (!followed) return;
    followed.cursor = cursor;
    followed.act({ event, cursor, data } as LiveEvent);
  }

  // Where it begins: who loses the connection before the first event goes on from there.
  #began({ id, cursor }: Extract<Heard, { op: "sub" }>): void {
    const followed = this.#followed.get(id);
    if (followed && cursor !== undefined) followed.cursor ??= cursor;
  }

  // It stays: what is refused now may be there when the connection comes back, or the session is another.
  #refused(id: number, problem: Problem): void {
    this.#followed.get(id)?.act({ event: "refused", problem });
  }

  /** Follows a stream, file or directory; the answer ends that. A refusal does not end it. `from` is for streams: what is kept too, or only news. */
  follow(
    path: string,
    act: (event: LiveEvent) => void,
    from: "start" | "now" | { readonly cursor: string } = "start",
  ): () => void {
    this.#ids += 1;
    const id = this.#ids;
    const begin =
      typeof from === "object"
        ? { from: "start" as const, cursor: from.cursor }
        : { from, cursor: undefined };
    const followed: Followed = { path, act, ...begin };
    this.#followed.set(id, followed);
    this.#sub(id, followed);
    return () => {
      if (this.#followed.delete(id)) this.#say({ op: "unsub", id });
    };
  }

  close(): void {
    this.#retry?.stop();
    const socket = this.#socket;
    this.#leave();
    this.#become("ended");
    socket?.close();
  }
}

type Heard =
  | { readonly op: "hello"; readonly challenge: string }
  | {
      readonly op: "ready";
      readonly subject: string;
      readonly role: string;
      readonly armed_ms?: number;
      readonly now: number;
    }
  | {
      readonly op: "event";
      readonly id: number;
      readonly event: string;
      readonly cursor: string;
      readonly data: unknown;
    }
  | { readonly op: "error"; readonly id?: number; readonly problem: Problem }
  | { readonly op: "sub"; readonly id: number; readonly cursor?: string }
  | { readonly op: "unsub" | "pong"; readonly id: number };
