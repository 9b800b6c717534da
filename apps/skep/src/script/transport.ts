import { readFileSync } from "node:fs";
import { setTimeout as later } from "node:timers/promises";
import type { Clock } from "@skep/clock";
import type { Context } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import type { ScriptTransport } from "@skep/grammar";
import { realClock } from "../clock.ts";
import { givenClientFile } from "../manifest/client-file.ts";
import { usualPool } from "../client/pooled.ts";
import { runSuite } from "./checks.ts";
import { ownVerb } from "./own.ts";
import { type Place, Talk } from "./talk.ts";

const fault = faults("script", {
  place: ["invalid", "Cannot use this address of a console: expected HOST:PORT"],
  token: [
    "invalid",
    "Cannot talk to a console without its token",
    { cure: "Name a file with it: --token-file" },
  ],
  worker: ["invalid", "Cannot fill {{worker}} in: no worker was spawned before"],
});

/** Flags that say which console a script talks to. */
export interface PlaceFlags {
  readonly console?: string | undefined;
  readonly "token-file"?: string | undefined;
}

/** The console that the flags name; undefined for the hive itself. */
export function placeOf({ console: at, "token-file": file }: PlaceFlags): Place | undefined {
  if (at === undefined) return undefined;
  const [, host, port] = /^(?:\[?([^\]]+?)\]?:)?(\d{1,5})$/.exec(at) ?? [];
  if (port === undefined) throw fault.place(at);
  if (file === undefined) throw fault.token();
  return { host: host ?? "127.0.0.1", port: Number(port), token: readFileSync(file, "utf8").trim() };
}

// A wait between two lines keeps the program alive.
const waiting: Clock = {
  now: () => realClock.now(),
  monotonic: () => realClock.monotonic(),
  after: (ms, act) => {
    const stop = new AbortController();
    later(ms, undefined, { signal: stop.signal }).then(act, () => undefined);
    return { stop: () => stop.abort() };
  },
};

const answersOf = "/proc/9p/session/self/answers";

/** Where a script's lines go: one conversation, begun with the first line and again after QUIT. */
export class Conversation implements ScriptTransport, AsyncDisposable {
  readonly clock: Clock = waiting;
  readonly #context: Context;
  readonly #place: Place | undefined;
  #talk: Talk | undefined;
  #worker: string | undefined;

  constructor(context: Context, place: Place | undefined) {
    this.#context = context;
    this.#place = place;
  }

  /** A text with `{{worker}}` filled in. */
  fill(text: string): string {
    if (!text.includes("{{worker}}")) return text;
    if (this.#worker === undefined) throw fault.worker();
    return text.replaceAll("{{worker}}", this.#worker);
  }

  /** What the original's client does by itself. */
  own(text: string): Promise<readonly string[]> | undefined {
    const place = this.#place;
    const { sessions, retry } = givenClientFile(this.#context.io.env) ?? usualPool;
    return ownVerb(text, {
      ...{ sessions, retry },
      at: place && `${place.host}:${place.port}`,
      open: () => this.#attached(),
      send: (line) => this.send(line),
      suite: async (mode) => {
        // On a connection of its own, which the suite ends.
        await using apart = new Conversation(this.#context, place);
        await apart.send("ATTACH queen ");
        const [, ...lines] = await apart.send(`CAT /proc/tests/selftest_${mode}.coh`);
        return await runSuite(lines.slice(0, -1).join("\n"), apart, true);
      },
    });
  }

  async #attached(): Promise<Talk> {
    const talk = await this.#connected();
    await talk.ask("ATTACH queen ");
    return talk;
  }

  #connected(): Promise<Talk> {
    return this.#place ? Talk.over(this.#place) : Talk.within(this.#context);
  }

  /** Sends one line; `{{worker}}` in it is the worker that was spawned last. */
  async send(line: string): Promise<readonly string[]> {
    const filled = this.fill(line);
    this.#talk ??= await this.#connected();
    const talk = this.#talk;
    const lines = await talk.ask(filled);
    if (/^[ \t]*quit\b/i.test(filled)) await this[Symbol.asyncDispose]();
    else if (/"spawn"/.test(filled) && lines[0]?.startsWith("OK ")) await this.#learn(talk);
    return lines;
  }

  // The console's OK does not tell whom it spawned; the session's last answer does.
  async #learn(talk: Talk): Promise<void> {
    const last = (await talk.ask(`CAT ${answersOf}`)).findLast((line) => line.startsWith("{"));
    this.#worker = /"worker":"([\w-]+)"/.exec(last ?? "")?.[1] ?? this.#worker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const talk = this.#talk;
    this.#talk = undefined;
    await talk?.[Symbol.asyncDispose]();
  }
}
