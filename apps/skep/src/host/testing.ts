import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "@skep/clock";
import { type Client, createClient, type Wire, wireFromSocket } from "@skep/ninep";
import { FileMemory, type Memory } from "../attached/memory.ts";
import type { Target } from "../attached/target.ts";
import { Kept, type Life, live, type Power } from "../attached/testing.ts";
import type { Pending } from "../attached/tickets.ts";
import { realClock } from "../clock.ts";
import { connect, dial, homeTarget } from "../client/connect.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";
import { HostAgent } from "./agent.ts";
import type { Use } from "./hive-acts.ts";
import type { HostProvider } from "./provider.ts";

/** Asks again until there is an answer; fails after two minutes. */
export async function until<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const end = performance.now() + 120_000;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`${what} did not come`);
    await wait(10);
  }
}

/** A hive with a host whose agent is in this process, or about to be. */
export interface HostHive extends AsyncDisposable {
  readonly hive: TestHive;
  readonly ticketFile: string;
  readonly ticket: string;
  readonly folder: string;
  readonly lines: string[];
  spec(line: object): Promise<string>;
  read(path: string): Promise<string>;
  /** Once its ticket ended. */
  ended(id: string): Promise<Readonly<Record<string, unknown>>>;
  start(providers: readonly HostProvider[], more?: Partial<StartOptions>): Running;
}

/** What an agent of a test is started with. */
export interface StartOptions {
  readonly allows: (action: string, target: string) => boolean;
  readonly memory: Memory;
  readonly models: () => string | undefined;
  readonly clock: Clock;
}

/** An agent that runs. */
export interface Running {
  readonly agent: HostAgent;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts a hive and mints the ticket of a host named alpha, with the usual rights where none are given. */
export async function hostHive(
  rights: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<HostHive> {
  const hive = await startTestHive(makeTestPlace(), env);
  const asked = rights.flatMap((right) => ["--right", right]);
  const { out } = await hive.skep(["ticket", "mint", "--role", "agent", "--subject", "host/alpha", ...asked]);
  const ticket = out.trim();
  const ticketFile = join(hive.dir, "alpha.ticket");
  writeFileSync(ticketFile, out);
  const folder = join(hive.dir, "agent");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lines: string[] = [];
  const running = new Set<Running>();
  const read = async (path: string) => Buffer.from(await hive.hive.owner.read(path)).toString();
  const start: HostHive["start"] = (providers, more = {}) => {
    const agent = new HostAgent({
      host: "alpha",
      dial: () => connect({ ...homeTarget(hive.home, hive.env), aname: ticket }),
      providers,
      allows: () => true,
      allowLines: () => ["systemd.restart *"],
      memory: new FileMemory(folder),
      version: "test",
      clock: realClock,
      log: (line) => lines.push(line),
      ...more,
    });
    const ended = agent.run();
    ended.catch(() => undefined);
    const made: Running = {
      agent,
      ended,
      stop: async () => {
        running.delete(made);
        await agent.stop();
        await ended.catch(() => undefined);
      },
    };
    running.add(made);
    return made;
  };
  return {
    hive,
    ticket,
    ticketFile,
    folder,
    lines,
    read,
    start,
    spec: async (line) => {
      const { verdict, code } = await hive.hive.owner.append("/host/tickets/spec", JSON.stringify(line));
      return verdict === "ok" ? "ok" : (code ?? "");
    },
    ended: (id) =>
      until(`the end of ${id}`, async () => {
        const all = JSON.parse(await read("/host/tickets/status.json")) as Readonly<
          Record<string, unknown>
        >[];
        return all.find(
          (one) => one.id === id && !["queued", "claimed", "running"].includes(String(one.state)),
        );
      }),
    [Symbol.asyncDispose]: async () => {
      for (const one of running) await one.stop();
      await hive[Symbol.asyncDispose]();
    },
  };
}

/** A wire that takes so many messages; the answer to the last one is never heard. */
function powered(wire: Wire, power: Power): Wire {
  return {
    ...wire,
    write: (bytes) => {
      if (power.off.signal.aborted) return true;
      const taken = wire.write(bytes);
      try {
        power.step();
      } catch {
        wire.close();
      }
      return taken;
    },
  };
}

async function poweredClient({ hive, ticket }: HostHive, power: Power): Promise<Client> {
  const wire = powered(wireFromSocket(await dial(homeTarget(hive.home, hive.env))), power);
  return createClient(wire, { aname: ticket, uname: "skep" });
}

async function say({ hive }: HostHive, line: object): Promise<void> {
  const { verdict, code } = await hive.hive.owner.append("/host/alpha/ctl", JSON.stringify(line));
  if (verdict !== "ok") throw new Error(code);
}

/** Lets the hive know the host before an agent of it runs. */
export const greeted = (at: HostHive, incarnation = freshStart()): Promise<void> =>
  say(at, { op: "hello", incarnation, version: "test", allows: [] });

async function lived(
  at: HostHive,
  life: Pick<Life, "steps" | "incarnation" | "memory">,
  target: (use: Use, power: Power) => Target,
): Promise<boolean> {
  await greeted(at, life.incarnation);
  let client: Promise<Client> | undefined;
  const was = await live({
    ...life,
    clock: realClock,
    say: (line) => say(at, line),
    pending: async () => JSON.parse(await at.read("/host/alpha/pending.json")) as Pending[],
    target: (power) => {
      const use: Use = async (act) => {
        client ??= poweredClient(at, power);
        return act(await client);
      };
      return target(use, power);
    },
  });
  await (await client?.catch(() => undefined))?.close();
  return was;
}

let starts = 0;

/** Names a start of an agent: none says hello again after the next one did. */
function freshStart(): string {
  starts += 1;
  return starts.toString(16).padStart(8, "0");
}

/** Two starts of the host's agent; the power of the first goes after so many steps. True where it did. */
export async function cutOnce(
  at: HostHive,
  steps: number,
  target: (use: Use, power: Power) => Target,
  { forgets = false } = {},
): Promise<boolean> {
  const memory = new Kept();
  const was = await lived(at, { steps, incarnation: freshStart(), memory }, target);
  const after = { steps: Number.POSITIVE_INFINITY, incarnation: freshStart() };
  await lived(at, { ...after, memory: forgets ? new Kept() : memory }, target);
  return was;
}
