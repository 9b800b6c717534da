import type { Context } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { homeOf } from "../client/connect.ts";
import { checkHome } from "../config/mod.ts";
import { isBorn } from "../hive/keys.ts";

const fault = faults("home", {
  none: [
    "absent",
    "Cannot find a hive in this home",
    { cure: "Start one with `skep up`, or name its --home" },
  ],
});

/** The home that a command means, where a hive was started before. Throws `home.none`, `config.home`. */
export function hiveHome(context: Pick<Context, "global" | "io">): string {
  const home = homeOf(context);
  if (!checkHome(home, process.getuid?.() ?? 0) || !isBorn(home)) throw fault.none(home);
  return home;
}
