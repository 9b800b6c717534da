import { type Command, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { scopeOf, unitHome, unitName } from "../service/place.ts";
import { removeUnit } from "../service/systemctl.ts";

const fault = faults("service-remove", {
  none: ["absent", "Cannot remove unit: there is none for this home"],
});

/** `skep service remove`. */
export const serviceRemove: Command = command({
  name: "service remove",
  group: "care",
  summary: "Stop the hive's systemd unit and take it away",
  doc: "The home stays as it is.",
  examples: [{ run: "skep service remove", doc: "The user unit of the default home" }],
  flags: {
    user: { kind: "boolean", doc: "The unit of the user's own manager, the default" },
    system: { kind: "boolean", doc: "The unit of the machine" },
  },
  danger: "mild",
  run: async (context) => {
    const { flags, io, out } = context;
    const scope = scopeOf(flags);
    const home = unitHome(context, scope);
    const name = unitName(home, scope, io.env);
    await context.confirm({ act: `Stop and remove ${name}.service`, name });
    const removed = removeUnit(io.env, scope, name);
    if (!removed) throw fault.none(home);
    for (const { command: line, why } of removed.failed) out.warn(`\`${line}\` failed: ${why}`);
    if (out.wantsJson) return out.json(removed);
    await out.line(`Removed ${removed.file}`);
    return out.line(`The home ${home} stays; start it by hand with \`skep up --home ${home}\``);
  },
});
