import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, command } from "@skep/edge-cli";
import { configSources, loadConfig } from "../config/mod.ts";
import { saidOver } from "../node/faults.ts";
import { nodePlaces } from "../node/folder.ts";
import { userHome } from "../person.ts";

// A worker of a daemon that was killed ends with it: its parent's channel is gone then, perhaps before we came here.
function endWithParent(): void {
  if (process.connected === false) process.exit(0);
  process.once("disconnect", () => process.exit(0));
}

/** `skep worker`. */
export const worker: Command = command({
  name: "worker",
  group: "hive",
  summary: "Work for a hive: run the jobs that it leases to this machine",
  doc: "`skep up` starts workers by itself. The folder holds `ticket`, `identity` (made at the first start) and `secrets/`; a `skep.toml` there replaces the hive's for what a module may use.",
  examples: [
    { run: "skep worker --worker-home ~/.local/state/skep-worker", doc: "With the ticket in that folder" },
  ],
  flags: {
    "worker-home": { kind: "directory", required: true, doc: "The worker's own folder" },
    slots: { kind: "integer", least: 1, most: 256, default: "2", doc: "Jobs at a time" },
    stranger: {
      kind: "string",
      repeat: true,
      value: "SUBJECT",
      doc: "A subject whose modules never share a process; * for all",
    },
    isolation: {
      kind: "choice",
      choices: ["auto", "require", "off"],
      doc: "bubblewrap around the sandbox: where it is there, or no worker without it, or never",
    },
  },
  onSignal: "drain",
  run: async (context) => {
    endWithParent();
    const { flags, out, signal } = context;
    const workerHome = flags["worker-home"];
    const own = join(workerHome, "skep.toml");
    const sources = configSources(context, {}, userHome);
    const ownerFiles = [join(sources.home, "owner.toml")];
    const { values } = loadConfig({ ...sources, file: existsSync(own) ? own : undefined });
    // A worker of a daemon that was killed ends with it: its parent's channel is gone then.
    process.once("disconnect", () => process.exit(0));
    if (existsSync(nodePlaces.hive(workerHome))) {
      const { workFor } = await import("../node/work.ts");
      const isolation = flags.isolation ? { "sandbox.isolation": flags.isolation } : {};
      const setup = {
        folder: workerHome,
        values: { ...values, ...isolation },
        slots: flags.slots,
        ownerFiles,
        clock: context.io.clock,
      };
      const ended = await workFor(
        {
          ...setup,
          strangers: flags.stranger ?? [],
          log: (line) => out.warn(line),
          tell: (line) => out.message(line),
        },
        signal,
      );
      if (ended !== "stopped") out.warn(saidOver[ended]);
      return;
    }
    const [{ openWorker }, { connect, homeTarget }] = await Promise.all([
      import("../worker/program.ts"),
      import("../client/connect.ts"),
    ]);
    const opened = await openWorker({
      dial: (ticket) => connect({ ...homeTarget(sources.home), aname: ticket }),
      workerHome,
      values: { ...values, ...(flags.isolation ? { "sandbox.isolation": flags.isolation } : {}) },
      slots: flags.slots,
      ownerFiles,
      strangers: flags.stranger ?? [],
      log: (line) => out.warn(line),
    });
    signal.addEventListener("abort", () => void opened.worker.stop(), { once: true });
    if (signal.aborted) void opened.worker.stop();
    await opened.worker.run();
    await opened[Symbol.asyncDispose]();
  },
});
