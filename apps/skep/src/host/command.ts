import { type Command, command } from "@skep/edge-cli";
import { setupFlags, setupOf } from "../attached/setup.ts";
import { mint } from "./faults.ts";

const usualRules = "/etc/skep/host.toml";

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
    ...setupFlags,
    rules: { kind: "file", doc: `The allow-list; default ${usualRules}` },
    folder: { kind: "directory", doc: "The agent's own folder; default: skep-host in the state directory" },
  },
  onSignal: "drain",
  run: async (context) => {
    const { flags, io, signal } = context;
    const setup = await setupOf(context, flags, { program: "skep-host", mint });
    const { runHost } = await import("./program.ts");
    await runHost({ ...setup, rules: flags.rules ?? usualRules, env: io.env }, signal);
  },
});
