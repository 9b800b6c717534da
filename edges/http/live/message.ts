/** What a subscriber is told. */
export interface Message {
  /** `data` and `gap` of streams, `text` of files, `list` of directories, `end` of what is over. */
  readonly event: "data" | "gap" | "text" | "list" | "end";
  /** Where to go on from here, also after the program was started anew. */
  readonly cursor: string;
  /** A JSON object, printed once for all who get it. */
  readonly json: string;
}

/** What one subscriber follows. It is asked for messages and never pushes: who is slow misses states, not memory. */
export interface Feed {
  readonly kind: "stream" | "text" | "list";
  /** Where a stream is followed from. */
  readonly cursor?: string;
  /** The next message, or undefined while there is none. Throws when there is nothing to follow any more. */
  take(): Promise<Message | undefined>;
  /** Calls whenever there may be a message; the answer takes that back. */
  ready(act: () => void): () => void;
  close(): void;
}

/** Whoever waits for news of one thing. */
export class Listeners {
  readonly #acts = new Set<() => void>();

  get size(): number {
    return this.#acts.size;
  }

  add(act: () => void): () => void {
    this.#acts.add(act);
    return () => void this.#acts.delete(act);
  }

  tell(): void {
    for (const act of this.#acts) act();
  }
}
