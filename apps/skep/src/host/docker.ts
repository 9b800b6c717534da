import { z } from "zod";
import { type Answer, exchange, reasonOf } from "../http/exchange.ts";
import { refusalIn, readAnswer } from "./answer.ts";
import { fault } from "./faults.ts";
import type { Act, Done, Evidence } from "../attached/target.ts";
import type { HostProvider, Thing } from "./provider.ts";

/** How long a container gets to stop before it is killed, seconds. */
const stopWithin = 10;
const mostBytes = 8 * 1024 * 1024;
const actWithinMs = 60_000;
const lookWithinMs = 10_000;
/** Of the API, as engines of 2019 and later speak it. */
const version = "/v1.40";

const Listed = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()),
    Image: z.string().default(""),
    State: z.string(),
    Status: z.string().default(""),
  }),
);

const Inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  State: z.object({
    Status: z.string().default(""),
    Running: z.boolean(),
    StartedAt: z.string().default(""),
    FinishedAt: z.string().default(""),
  }),
});

const bare = (name: string): string => name.replace(/^\//, "");

// Links of Docker add names with a slash inside, of the container that they lead from.
const nameOf = (names: readonly string[], id: string): string =>
  names.map(bare).find((name) => !name.includes("/")) ?? id;

/** Containers of Docker or Podman, over the HTTP API on their unix socket. */
export class Containers implements HostProvider {
  readonly facet = "docker";
  // An engine goes on with what it was asked for when its asker is gone.
  readonly settleMs = (stopWithin + 2) * 1000;
  readonly everyMs: number;
  readonly #socket: string;

  constructor(everyMs: number, socket: string) {
    this.everyMs = everyMs;
    this.#socket = socket;
  }

  #ask(method: "GET" | "POST", path: string, signal: AbortSignal, withinMs: number): Promise<Answer> {
    const socket = this.#socket;
    return exchange(`http://engine${version}${path}`, { method, socket, mostBytes, withinMs, signal });
  }

  async #read<T>(path: string, of: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return readAnswer(await this.#ask("GET", path, signal, lookWithinMs), of, "the engine");
  }

  async look(signal: AbortSignal): Promise<readonly Thing[]> {
    const all = await this.#read("/containers/json?all=1", Listed, signal);
    return all.map(({ Id, Names, Image, State }) => ({
      name: nameOf(Names, Id),
      state: State,
      fields: { image: Image, id: Id.slice(0, 12) },
    }));
  }

  // An engine takes the beginning of an id for a name too, and the allow-list knows names only.
  async #inspect(target: string, signal: AbortSignal): Promise<z.output<typeof Inspected>> {
    const found = await this.#read(`/containers/${encodeURIComponent(target)}/json`, Inspected, signal);
    if (bare(found.Name) !== target) throw fault.unseen(`no container is named ${target}`);
    return found;
  }

  async evidence(target: string, _verb: string, signal: AbortSignal): Promise<Evidence | undefined> {
    const { Id, State } = await this.#inspect(target, signal);
    const { Status, Running, StartedAt, FinishedAt } = State;
    if (StartedAt === "") return undefined;
    return { Id, Status, Running, StartedAt, FinishedAt };
  }

  async act({ verb, target, signal }: Act): Promise<{ readonly output?: string }> {
    if (verb === "status") return {};
    const wait = verb === "start" ? "" : `?t=${stopWithin}`;
    const { Id } = await this.#inspect(target, signal);
    const path = `/containers/${Id}/${verb}${wait}`;
    let answer: Answer;
    try {
      answer = await this.#ask("POST", path, signal, actWithinMs);
    } catch (cause) {
      throw fault.lost(reasonOf(cause), { cause });
    }
    // 304: it is so already.
    if (answer.status !== 204 && answer.status !== 304) throw fault.act(refusalIn(answer, "the engine"));
    return {};
  }

  done({ verb }: Act, before: Evidence | undefined, now: Evidence | undefined): Done {
    if (!before || !now) return "unknown";
    // Another container of that name.
    if (before.Id !== now.Id) return "unknown";
    if (before.StartedAt !== now.StartedAt) return "yes";
    if (verb === "restart") return "no";
    return now.Running === (verb === "start") ? "yes" : "no";
  }

  [Symbol.dispose](): void {}
}
