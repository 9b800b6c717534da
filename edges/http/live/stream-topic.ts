import { isUtf8 } from "node:buffer";
import { type Clock, delay } from "@skep/clock";
import type { Session } from "@skep/kernel";
import { cursorAfter, findCursor, parseCursor } from "./cursor.ts";
import { type Feed, Listeners, type Message } from "./message.ts";

type Found = Session["root"];

/** Bytes of a stream as they were read once for all who are at that place. */
interface Piece {
  /** Absolute offset of the first byte: later than asked for where older ones are gone. */
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly message: Message;
}

const pieceSize = 64 * 1024;
const pieces = 16;
/** Milliseconds between two looks at a stream that grows all the time. */
const pause = 30;
/** How much of a stream is searched for a cursor of another start. */
const searched = 1024 * 1024;

/** A stream that any number of subscribers follow at the cost of one reader. */
export class StreamTopic {
  readonly #session: Session;
  readonly #path: string;
  readonly #clock: Clock;
  readonly born: string;
  readonly #listeners = new Listeners();
  readonly #pieces = new Map<number, Promise<Piece>>();
  readonly #stop = new AbortController();
  #tail: Promise<unknown> = Promise.resolve();
  /** Absolute offset behind the newest byte. */
  next = 0;
  ended = false;
  #failed: unknown;

  private constructor(session: Session, path: string, clock: Clock, born: string) {
    this.#session = session;
    this.#path = path;
    this.#clock = clock;
    this.born = born;
  }

  /** Throws what opening the stream throws. */
  static async open(session: Session, path: string, clock: Clock, born: string): Promise<StreamTopic> {
    const topic = new StreamTopic(session, path, clock, born);
    const follow = await session.find(`${path}.follow`);
    // Rights are looked at here; later on every read does so again.
    const opened = session.open(follow, { read: true, write: false });
    await (opened instanceof Promise ? await opened : opened).close();
    topic.next = (await session.stat(follow)).version;
    void topic.#watch(follow);
    return topic;
  }

  /** Nothing to tell but bytes. */
  get isQuiet(): boolean {
    return !this.ended && this.#failed === undefined;
  }

  get listeners(): Listeners {
    return this.#listeners;
  }

  async #watch(follow: Found): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (!this.ended && !signal.aborted) {
        await this.#grown(follow, signal);
        this.#listeners.tell();
        if (!this.ended) await delay(this.#clock, pause, signal);
      }
    } catch (thrown) {
      if (signal.aborted) return;
      this.#failed = thrown;
      this.#listeners.tell();
    }
  }

  // A handle of its own for each wait: offsets mean what they meant at its open.
  async #grown(follow: Found, signal: AbortSignal): Promise<void> {
    const opened = this.#session.open(follow, { read: true, write: false });
    const handle = opened instanceof Promise ? await opened : opened;
    try {
      const anchor = this.#session.anchors.get(follow.path)?.at ?? 0;
      const seen = await handle.read(Math.max(0, this.next - anchor), 1, signal);
      const { version } = await this.#session.stat(follow);
      if (seen.length === 0) this.ended = true;
      this.next = version;
    } finally {
      await handle.close();
    }
  }

  /** Bytes from an offset on; those of one place are read once. */
  piece(at: number): Promise<Piece> {
    const known = this.#pieces.get(at);
    if (known) return known;
    const read = this.#tail.then(() => this.#read(at));
    this.#tail = read.catch(() => undefined);
    this.#pieces.set(at, read);
    read.then(
      ({ bytes }) => bytes.length === 0 && this.#pieces.delete(at),
      () => this.#pieces.delete(at),
    );
    const oldest = this.#pieces.size > pieces ? this.#pieces.keys().next().value : undefined;
    if (oldest !== undefined) this.#pieces.delete(oldest);
    return read;
  }

  async #read(at: number): Promise<Piece> {
    if (this.#failed !== undefined) throw this.#failed;
    const found = await this.#session.find(this.#path);
    const opened = this.#session.open(found, { read: true, write: false });
    // Nothing may come between the open and its read: the anchor is the oldest byte that is kept.
    const told = (handle: Awaited<typeof opened>) => {
      const anchor = this.#session.anchors.get(found.path)?.at ?? 0;
      const from = Math.max(at, anchor);
      return { handle, from, bytes: handle.read(from - anchor, pieceSize) };
    };
    const { handle, from, bytes } = opened instanceof Promise ? await opened.then(told) : told(opened);
    try {
      const whole = untilLine(await bytes);
      return { at: from, bytes: whole, message: dataMessage(this.born, from, whole) };
    } finally {
      await handle.close();
    }
  }

  /** Offset of the oldest byte that is kept. */
  async base(): Promise<number> {
    return (await this.piece(0)).at;
  }

  /** Where a cursor of an earlier start is now, or undefined. */
  async search(cursor: ReturnType<typeof parseCursor>): Promise<number | undefined> {
    const base = await this.base();
    const from = Math.max(base, this.next - searched);
    const parts: Uint8Array[] = [];
    let at = from;
    while (at < this.next) {
      const { bytes } = await this.piece(at);
      if (bytes.length === 0) break;
      parts.push(bytes);
      at += bytes.length;
    }
    const index = findCursor(Buffer.concat(parts), cursor);
    return index < 0 ? undefined : from + index;
  }

  close(): void {
    this.#stop.abort();
  }
}

// Whole lines where there are any; what has no newline yet comes as it is, but no character is cut.
function untilLine(bytes: Uint8Array): Uint8Array {
  const newline = bytes.lastIndexOf(10);
  if (newline >= 0) return bytes.subarray(0, newline + 1);
  for (let cut = 0; cut < 4 && cut < bytes.length; cut += 1) {
    const part = bytes.subarray(0, bytes.length - cut);
    if (isUtf8(part)) return part;
  }
  return bytes;
}

function dataMessage(born: string, at: number, bytes: Uint8Array): Message {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const content = isUtf8(view) ? { text: view.toString("utf8") } : { b64: view.toString("base64") };
  return {
    event: "data",
    cursor: cursorAfter(born, at + bytes.length, bytes),
    json: JSON.stringify({ at, next: at + bytes.length, ...content }),
  };
}

/** Where a subscriber begins: at a cursor, at what is kept, or at what comes from now on. */
export type From = { readonly cursor: string } | "start" | "now";

/** One subscriber of a stream. */
export class StreamFeed implements Feed {
  readonly kind = "stream";
  readonly #topic: StreamTopic;
  readonly #release: () => void;
  readonly #gaps: Message[] = [];
  #at: number;
  #over = false;

  private constructor(topic: StreamTopic, at: number, release: () => void) {
    this.#topic = topic;
    this.#at = at;
    this.#release = release;
  }

  get cursor(): string {
    return cursorAfter(this.#topic.born, this.#at, new Uint8Array(0));
  }

  /** Throws `http.cursor`. */
  static async open(topic: StreamTopic, from: From, release: () => void): Promise<StreamFeed> {
    if (from === "now") return new StreamFeed(topic, topic.next, release);
    if (from === "start") return new StreamFeed(topic, await topic.base(), release);
    const cursor = parseCursor(from.cursor);
    if (cursor.born === topic.born && cursor.offset <= topic.next)
      return new StreamFeed(topic, cursor.offset, release);
    const known = await topic.search(cursor);
    const feed = new StreamFeed(topic, known ?? (await topic.base()), release);
    if (known === undefined) feed.#gap({ restarted: true, to: feed.#at });
    return feed;
  }

  #gap(told: { readonly from?: number; readonly to: number; readonly restarted?: boolean }): void {
    const cursor = cursorAfter(this.#topic.born, told.to, new Uint8Array(0));
    this.#gaps.push({ event: "gap", cursor, json: JSON.stringify(told) });
  }

  async take(): Promise<Message | undefined> {
    const gap = this.#gaps.shift();
    if (gap || this.#over) return gap;
    if (this.#at >= this.#topic.next && this.#topic.isQuiet) return undefined;
    const { at, bytes, message } = await this.#topic.piece(this.#at);
    if (bytes.length === 0) return this.#end();
    const from = this.#at;
    this.#at = at + bytes.length;
    if (at === from) return message;
    this.#gap({ from, to: at });
    const told = this.#gaps.pop();
    this.#gaps.push(message);
    return told;
  }

  #end(): Message | undefined {
    if (!this.#topic.ended) return undefined;
    this.#over = true;
    const cursor = cursorAfter(this.#topic.born, this.#at, new Uint8Array(0));
    return { event: "end", cursor, json: JSON.stringify({ at: this.#at }) };
  }

  ready(act: () => void): () => void {
    return this.#topic.listeners.add(act);
  }

  close(): void {
    this.#release();
  }
}
