import type { Command, Context } from "@skep/edge-cli";
import { command } from "@skep/edge-cli";
import { configFlags, configSources, findHome, formatAddress, loadConfig, makeHome } from "../config/mod.ts";
import { asTyped } from "../client/words.ts";
import { realClock } from "../clock.ts";
import type { Listening } from "../hive/edges.ts";
import { createNotifier, takeNotifyEnv } from "../hive/notify.ts";
import { userHome } from "../person.ts";

/** A started hive: what `up`, `demo` and tests of the whole program hold. */
export interface Up extends AsyncDisposable {
  readonly home: string;
  readonly at: Listening;
  readonly hive: import("../hive/hive.ts").Hive;
  readonly workers: readonly string[];
}

/** Where edges listen, in words. */
export function shownEdges(at: Listening): Record<string, string> {
  const shown = (where: string | { host: string; port: number; peer?: string }): string =>
    typeof where === "string" ? where : `${formatAddress(where)}${where.peer ? ` ${where.peer}` : ""}`;
  return Object.fromEntries(Object.entries(at).map(([name, where]) => [name, shown(where)]));
}

/** Starts a hive with its edges and workers in this process. */
export async function startHive(context: Context, given: Readonly<Record<string, unknown>>): Promise<Up> {
  const { out } = context;
  const uid = process.getuid?.() ?? 0;
  const home = findHome({ flag: context.global.home, env: context.io.env, userHome });
  if (makeHome(home, uid))
    out.message(`Made the home ${home}: its keys are there, and only you can read them`);
  const config = loadConfig({ ...configSources(context, given, userHome), env: process.env });
  for (const warning of config.warnings) out.warn(warning);
  const [{ openHive }, { startEdges }, { LocalWorkers }, { makeOwnerTicket, ownerTicketFile }] =
    await Promise.all([
      import("../hive/hive.ts"),
      import("../hive/edges.ts"),
      import("../hive/workers.ts"),
      import("../access/tickets.ts"),
    ]);
  const log = (line: string): void => out.detail(line);
  const hive = await openHive({
    home,
    config,
    log,
    fatal: (fault) => {
      process.stderr.write(`skep: ${fault.message}: ${String(fault.cause)}\n`);
      process.exit(1);
    },
  });
  const { cut } = hive.kernel.journal.opened;
  if (cut > 0)
    out.warn(
      `Cut ${cut} bytes of a record that is not whole off the journal: a torn write where the daemon crashed; if it did not, look at the disk`,
    );
  try {
    const edges = await startEdges(hive, uid, log);
    hive.live.edges = shownEdges(edges.at);
    if (await makeOwnerTicket(home, Date.now()))
      out.message(`Made the owner's ticket: ${ownerTicketFile(home)}`);
    const workers = new LocalWorkers(hive, log);
    await workers.start(config.values["workers.count"]);
    hive.live.serving();
    return {
      home,
      at: edges.at,
      hive,
      workers: workers.ids,
      [Symbol.asyncDispose]: async () => {
        hive.kernel.drain("stopped by its operator");
        await workers[Symbol.asyncDispose]();
        await edges[Symbol.asyncDispose]();
        await hive[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await hive[Symbol.asyncDispose]();
    throw error;
  }
}

async function tellReady(context: Context, { home, at, workers, hive }: Up): Promise<void> {
  const { out } = context;
  if (out.wantsJson) {
    await out.json({ home, ...at, pid: process.pid, hive: hive.keys.hive, workers });
    return;
  }
  await out.line(`The hive ${hive.keys.hive} is up; home ${home}`);
  for (const [name, where] of Object.entries(shownEdges(at))) await out.line(`  ${name.padEnd(8)}${where}`);
  await out.line(`  workers ${workers.length}`);
  await out.line(
    asTyped(context, "Ctrl-C ends it; open the page with `skep ui`, look around with `skep ls /`"),
  );
}

/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

// The same control as `skep reload`, with the owner's ticket: it passes the gate, and the journal says how it ended.
function reloadBy({ hive }: Up, { out }: Context): void {
  hive.owner.append("/queen/manifest/ctl", { op: "reload" }).then(
    ({ verdict, message }) => {
      if (verdict !== "ok") out.warn(`SIGHUP: ${message ?? verdict}`);
    },
    (thrown: unknown) => out.warn(`SIGHUP: ${String(thrown)}`),
  );
}

/** `skep up`. */
export const up: Command = command({
  name: "up",
  group: "hive",
  summary: "Start a hive in the foreground",
  doc: "Makes the home, its keys and the owner's ticket at the first start. SIGTERM drains and ends it with 0; SIGHUP, where there is no terminal, reads the configuration again.",
  examples: [
    { run: "skep up", doc: "With the home in the state directory" },
    {
      run: "skep up --home /srv/hive --9p 0 --http off --json",
      doc: "Any free port for 9P, no HTTP, one JSON line when ready",
    },
  ],
  flags: {
    ...configFlags(),
    config: { kind: "file", doc: "Read this file instead of skep.toml in the home" },
  },
  onSignal: "drain",
  run: async (context) => {
    const { out, signal } = context;
    // Before anything is started: no child may speak for this process.
    const notifyEnv = takeNotifyEnv(process.env);
    await using started = await startHive(context, context.flags);
    const notifier = createNotifier({
      env: notifyEnv,
      pids: [process.pid, process.ppid],
      clock: realClock,
      alive: () => started.hive.owner.read("/proc/lifecycle/state"),
      warn: (line) => out.warn(line),
    });
    context.onHangup(() => reloadBy(started, context));
    await tellReady(context, started);
    await notifier.ready(`The hive ${started.hive.keys.hive} is up`);
    // Only tickets that were narrowed need it: the others are served meanwhile.
    await import("@skep/ticket").then(({ prepare }) => prepare());
    await untilAborted(signal);
    void notifier.stopping();
  },
});
