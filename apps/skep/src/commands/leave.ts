import { type Command, command } from "@skep/edge-cli";
import { configSources, loadConfig } from "../config/mod.ts";
import { defaultNodeFolder, nodeSources } from "../node/place.ts";
import { userHome } from "../person.ts";

/** `skep leave`. */
export const leave: Command = command({
  name: "leave",
  group: "access",
  summary: "Take this machine out of its hive, and wipe what the hive gave",
  doc: "Ticket, modules, inputs and results that were not told go. The machine's own key and your secrets/ stay, unless --forget. When the hive cannot be reached the wipe is done all the same.",
  examples: [{ run: "skep leave", doc: "After `skep join`" }],
  flags: {
    "worker-home": {
      kind: "directory",
      doc: "The machine's own folder; ~/.local/state/skep-worker by default",
    },
    forget: { kind: "boolean", doc: "Remove the machine's own key too: it comes back as another one" },
  },
  danger: "moderate",
  run: async (context) => {
    const { flags, io, out, signal } = context;
    const folder = flags["worker-home"] ?? defaultNodeFolder(io.env, userHome);
    const [{ leaveHive }, { readMembership }, { fault }] = await Promise.all([
      import("../node/leave.ts"),
      import("../node/folder.ts"),
      import("../node/faults.ts"),
    ]);
    const { existsSync } = await import("node:fs");
    if (!existsSync(folder)) throw fault.stranger(folder);
    const hive = readMembership(folder)?.hive ?? "no hive";
    await context.confirm({ act: `Leave ${hive} and wipe what it gave to ${folder}`, name: hive });
    const { values } = loadConfig(nodeSources(configSources(context, {}, userHome), folder));
    const left = await leaveHive({ folder, forget: flags.forget, values, log: () => undefined }, signal);
    if (left.untold)
      out.warn(`The hive could not be told (${left.untold.message}); its operator can run: skep node remove`);
    if (out.wantsJson) return out.json({ hive: left.hive ?? null, told: left.untold === undefined });
    out.message(left.hive === undefined ? "Wiped; this machine was of no hive" : `Left ${left.hive}`);
  },
});
