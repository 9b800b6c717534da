import { readFile } from "node:fs/promises";
import { type Command, type Context, command } from "@skep/edge-cli";
import { configSources, loadConfig, makeHome } from "../config/mod.ts";
import { userHome } from "../person.ts";
import { defaultNodeFolder, nodeSources } from "../node/place.ts";
import { fault, saidOver } from "../node/faults.ts";

const longest = 64 * 1024;

async function fromStdin({ io, signal, out }: Context): Promise<string> {
  if (io.stdin.isTTY) out.message("Paste the invitation, then press Enter and Ctrl-D:");
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of io.stdin.chunks()) {
    if (signal.aborted) break;
    parts.push(chunk);
    length += chunk.length;
    if (length > longest) break;
  }
  return Buffer.concat(parts).toString("utf8");
}

async function invitationOf(
  context: Context,
  given: string | undefined,
  from: string | undefined,
): Promise<string> {
  if (given !== undefined) {
    context.out.warn(
      "The invitation stands in the list of processes and in the shell's history; better give it on stdin",
    );
    return given;
  }
  const text = from === undefined || from === "-" ? await fromStdin(context) : await readFile(from, "utf8");
  if (text.trim() === "") throw fault.empty();
  return text;
}

/** `skep join`. */
export const join: Command = command({
  name: "join",
  group: "access",
  summary: "Make this machine one of a hive's, and work for it",
  doc: "Reads the line that `skep invite` printed: from stdin, with --from, or at the prompt. When it has joined it goes on to work until Ctrl-C; later `skep worker` does that alone. Interrupted, the same command can be given again.",
  examples: [
    { run: "skep join --from invitation.txt", doc: "Join and work" },
    { run: "ssh hive npx skep invite | skep join", doc: "In one line" },
  ],
  args: [
    {
      name: "invitation",
      kind: "string",
      optional: true,
      doc: "The line itself; others on this machine may see it then",
    },
  ],
  flags: {
    from: { kind: "file", value: "FILE", doc: "A file with the invitation; - is stdin" },
    "worker-home": {
      kind: "directory",
      doc: "This machine's own folder; ~/.local/state/skep-worker by default",
    },
    name: { kind: "string", doc: "What the machine is called; its host name by default" },
    slots: { kind: "integer", least: 1, most: 256, default: "2", doc: "Jobs at a time" },
    only: { kind: "boolean", doc: "Join, and do not work yet" },
    mdns: {
      kind: "boolean",
      doc: "Look for the hive on the local network too, which is done by itself where the invitation has no address",
    },
    isolation: {
      kind: "choice",
      choices: ["auto", "require", "off"],
      doc: "bubblewrap around the sandbox, as for `skep worker`",
    },
  },
  onSignal: "drain",
  run: async (context) => {
    const { args, flags, io, out, signal } = context;
    const folder = flags["worker-home"] ?? defaultNodeFolder(io.env, userHome);
    makeHome(folder, process.getuid?.() ?? 0, "worker home");
    const [{ parseInvite }, { joinHive }] = await Promise.all([
      import("@skep/invite"),
      import("../node/join.ts"),
    ]);
    const invite = parseInvite(await invitationOf(context, args.invitation, flags.from), io.clock.now());
    const { values } = loadConfig(nodeSources(configSources(context, {}, userHome), folder));
    const begun = io.clock.monotonic();
    const { membership, code } = await joinHive(
      {
        folder,
        invite,
        clock: io.clock,
        values,
        mdns: flags.mdns || invite.addresses.length === 0,
        log: (line) => out.message(line),
        ...(flags.name !== undefined && { name: flags.name }),
      },
      signal,
    );
    const took = io.clock.monotonic() - begun;
    if (invite.class === "owned")
      out.message(`Code ${code}: the hive's log shows the same six digits, or somebody stands between`);
    if (out.wantsJson) await out.json({ ...membership, code, folder, ms: Math.round(took) });
    else out.message(`Joined ${membership.hive} as ${membership.worker} in ${(took / 1000).toFixed(1)} s`);
    if (flags.only) return;
    const { workFor } = await import("../node/work.ts");
    const ended = await workFor(
      {
        folder,
        values: { ...values, ...(flags.isolation ? { "sandbox.isolation": flags.isolation } : {}) },
        slots: flags.slots,
        clock: io.clock,
        strangers: [],
        log: (line) => out.warn(line),
        tell: (line) => out.message(line),
      },
      signal,
    );
    if (ended !== "stopped") out.warn(saidOver[ended]);
  },
});
