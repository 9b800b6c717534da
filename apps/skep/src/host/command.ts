import { join } from "node:path";
import { type Command, command } from "@skep/edge-cli";
import { readText } from "../client/files.ts";
import type { Target } from "../client/connect.ts";
import { parseAddress } from "../config/mod.ts";
import { userHome } from "../person.ts";
import { fault } from "./faults.ts";

const usualRules = "/etc/skep/host.toml";

// Throws `host-agent.hive`.
function targetFrom(hive: string, aname: string): Target {
  if (hive.startsWith("/")) return { place: { path: hive }, aname, name: hive };
  const read = parseAddress(hive, { host: "127.0.0.1", port: 5640 });
  if (!read.ok || read.value === false) throw fault.hive(hive);
  return { place: read.value, aname, name: hive };
}

/** `skep host`. */
export const host: Command = command({
  name: "host",
  group: "hive",
  summary: "Tell a hive what this machine runs, and do what its tickets ask for",
  doc: "Services of systemd, containers of Docker or Podman, nodes of a cluster, NVIDIA GPUs and network links become files below /host of the hive. Nothing is done but what the allow-list on this machine names; only root and the agent's own user may be able to write it. Whatever a crash interrupts is judged by the target's own evidence, and never done twice. docs/hosts.md has the rest; its ticket is made with `skep ticket mint --role agent --subject host/NAME`.",
  examples: [
    { run: "skep host --ticket alpha.ticket", doc: "On the machine of the hive" },
    {
      run: "skep host --ticket alpha.ticket --hive 127.0.0.1:5640 --rules /etc/skep/host.toml",
      doc: "Through a tunnel to another one",
    },
  ],
  flags: {
    ticket: { kind: "file", required: true, doc: "File of the host's ticket" },
    hive: {
      kind: "string",
      value: "HOST:PORT|SOCKET",
      doc: "Where the hive is; its home here where left out",
    },
    rules: { kind: "file", doc: `The allow-list; default ${usualRules}` },
    folder: { kind: "directory", doc: "The agent's own folder; default: skep-host in the state directory" },
  },
  onSignal: "drain",
  run: async ({ flags, global, io, out, signal }) => {
    const text = readText(flags.ticket)?.trim();
    if (text === undefined || text === "") throw fault.ticket(flags.ticket);
    const [{ runHost }, { connect, targetOf }] = await Promise.all([
      import("./program.ts"),
      import("../client/connect.ts"),
    ]);
    const target =
      flags.hive === undefined ? { ...targetOf({ global, io }), aname: text } : targetFrom(flags.hive, text);
    const state = io.env.XDG_STATE_HOME || join(userHome, ".local", "state");
    await runHost(
      {
        ticket: text,
        dial: (aname) => connect({ ...target, aname }),
        rules: flags.rules ?? usualRules,
        folder: flags.folder ?? join(state, "skep-host"),
        env: io.env,
        clock: io.clock,
        log: (line) => out.message(line),
      },
      signal,
    );
  },
});
