import { createHash } from "node:crypto";
import { isUtf8 } from "node:buffer";
import type { Clock } from "@skep/clock";
import { Fault } from "@skep/fault";
import { limits, type Session } from "@skep/kernel";
import { type Feed, Listeners, type Message } from "./message.ts";

/** Milliseconds between two looks, when there is news and when there is none. */
const soon = 250;
const late = 2000;
/** Milliseconds of rest after a look that took long: the next one comes early enough to be news. */
const rest = 700;

/** The text of a file or the names in a directory, read again when they may have changed. */
export class PolledTopic {
  readonly kind: "text" | "list";
  readonly #session: Session;
  readonly #path: string;
  readonly #clock: Clock;
  readonly listeners = new Listeners();
  #version: number | undefined;
  #every = soon;
  #dueAt = 0;
  #reading: Promise<void> | undefined;
  #now: Message | undefined;
  #failed: unknown;

  constructor(kind: "text" | "list", session: Session, path: string, clock: Clock) {
    this.kind = kind;
    this.#session = session;
    this.#path = path;
    this.#clock = clock;
  }

  /** What it is now; read where it was not yet. Throws what reading throws. */
  async now(): Promise<Message | undefined> {
    if (!this.#now) await this.look();
    if (this.#failed !== undefined) throw this.#failed;
    return this.#now;
  }

  /** Looks again where it is time. */
  beat(): void {
    if (this.#clock.monotonic() >= this.#dueAt) void this.look();
  }

  /** Reads again where the version grew; those who ask meanwhile share the look. */
  look(): Promise<void> {
    this.#reading ??= this.#look()
      .catch((thrown: unknown) => this.#refused(thrown))
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  // What has not been seen yet may come: a job's file before the job. What was taken away is told.
  #refused(thrown: unknown): void {
    this.#dueAt = this.#clock.monotonic() + late;
    if (thrown instanceof Fault && thrown.kind === "quota") return;
    this.#failed = thrown;
    this.listeners.tell();
  }

  async #look(): Promise<void> {
    const begun = this.#clock.monotonic();
    const found = await this.#session.find(this.#path);
    const version = this.#session.version(found);
    if (version === this.#version && version !== 0) {
      this.#dueAt = begun + soon;
      return;
    }
    this.#version = version;
    const message = this.kind === "list" ? await this.#list(found) : await this.#text(found);
    const spent = this.#clock.monotonic() - begun;
    const isNews = message.cursor !== this.#now?.cursor;
    // Files of the running program count as changed at every look; those that stay the same are looked at less.
    this.#every = isNews ? soon : Math.min(late, this.#every * 2);
    this.#dueAt = begun + Math.max(this.#every, Math.min(20 * spent, spent + rest));
    if (!isNews) return;
    this.#now = message;
    this.listeners.tell();
  }

  async #text(found: Session["root"]): Promise<Message> {
    const opened = this.#session.open(found, { read: true, write: false });
    const handle = opened instanceof Promise ? await opened : opened;
    try {
      const bytes = Buffer.from(await handle.read(0, limits.readOutside9p));
      const content = isUtf8(bytes) ? { text: bytes.toString("utf8") } : { b64: bytes.toString("base64") };
      return message("text", content);
    } finally {
      await handle.close();
    }
  }

  async #list(found: Session["root"]): Promise<Message> {
    const entries = await this.#session.list(found);
    return message("list", { entries: entries.map(({ name, kind }) => ({ name, kind })) });
  }
}

function message(event: "text" | "list", content: unknown): Message {
  const json = JSON.stringify(content);
  return { event, json, cursor: createHash("sha256").update(json).digest("hex").slice(0, 16) };
}

/** One subscriber of a text or directory: it is told the newest state, and no state twice. */
export class PolledFeed implements Feed {
  readonly #topic: PolledTopic;
  readonly #release: () => void;
  #seen: string | undefined;

  /** `seen` is the cursor of what the subscriber has. */
  constructor(topic: PolledTopic, seen: string | undefined, release: () => void) {
    this.#topic = topic;
    this.#seen = seen;
    this.#release = release;
  }

  get kind(): "text" | "list" {
    return this.#topic.kind;
  }

  async take(): Promise<Message | undefined> {
    const now = await this.#topic.now();
    if (!now || now.cursor === this.#seen) return undefined;
    this.#seen = now.cursor;
    return now;
  }

  ready(act: () => void): () => void {
    return this.#topic.listeners.add(act);
  }

  close(): void {
    this.#release();
  }
}
