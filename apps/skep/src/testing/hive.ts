import type { Clock } from "@skep/clock";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFakeIo, type FakeIo, type FakeIoOptions, runProgram } from "@skep/edge-cli";
import { realClock } from "../clock.ts";
import { createProgram } from "../commands/table.ts";
import { shownEdges } from "../commands/up.ts";
import { loadConfig, makeHome } from "../config/mod.ts";
import { type Listening, startEdges } from "../hive/edges.ts";
import { type Hive, openHive } from "../hive/hive.ts";

/** What a command line left behind. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A directory of its own for homes and contexts, and the command line that sees nothing else. */
export interface TestPlace extends AsyncDisposable {
  readonly dir: string;
  /** Not made yet. */
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `skep` with these words, as a person would in a pipe, or with `tty` at a terminal. */
  skep(argv: readonly string[], options?: FakeIoOptions): Promise<Ran>;
  /** The same without waiting: for what runs until it is stopped. */
  start(
    argv: readonly string[],
    options?: FakeIoOptions,
  ): { readonly io: FakeIo; readonly done: Promise<number> };
}

/** A place without a hive. */
export function makeTestPlace(): TestPlace {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "skep-test-")));
  const home = join(dir, "home");
  const env = {
    SKEP_HOME: home,
    XDG_CONFIG_HOME: join(dir, "config"),
    XDG_RUNTIME_DIR: dir,
    SKEP_DISK_RESERVE: "0",
    NO_COLOR: "1",
  };
  const start: TestPlace["start"] = (argv, options = {}) => {
    const io = createFakeIo(argv, { clock: realClock, ...options, env: { ...env, ...options.env } });
    return { io, done: runProgram(createProgram(), io) };
  };
  return {
    dir,
    home,
    env,
    start,
    skep: async (argv, options) => {
      const { io, done } = start(argv, options);
      return { code: await done, out: io.out(), err: io.err() };
    },
    [Symbol.asyncDispose]: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** A hive in this process over a home of its own, with 9P on a free port and no workers. */
export interface TestHive extends TestPlace {
  readonly hive: Hive;
  readonly at: Listening;
  /** Ends the hive and keeps its home, as SIGTERM does. */
  stop(): Promise<void>;
}

/** Starts a hive over the home of a place; several starts one after the other are restarts. */
export async function startTestHive(
  place: TestPlace = makeTestPlace(),
  settings: Readonly<Record<string, string>> = {},
  clock: Clock = realClock,
): Promise<TestHive> {
  const uid = process.getuid?.() ?? 0;
  makeHome(place.home, uid);
  const env = { SKEP_DISK_RESERVE: "0", SKEP_HTTP: "off", SKEP_9P: "0", ...settings };
  const config = loadConfig({ home: place.home, env, flags: {} });
  const lines: string[] = [];
  const hive = await openHive({
    home: place.home,
    config,
    log: (line) => lines.push(line),
    fatal: (fault) => {
      throw fault;
    },
    clock,
  });
  const edges = await startEdges(hive, uid, (line) => lines.push(line));
  hive.live.edges = shownEdges(edges.at);
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await edges[Symbol.asyncDispose]();
    await hive[Symbol.asyncDispose]();
  };
  const once = (): Promise<void> => {
    stopped ??= stop();
    return stopped;
  };
  return {
    ...place,
    hive,
    at: edges.at,
    stop: once,
    [Symbol.asyncDispose]: async () => {
      await once();
      await place[Symbol.asyncDispose]();
    },
  };
}
