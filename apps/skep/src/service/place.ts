import { realpathSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Context } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { findHome, longestSocketPath } from "../config/mod.ts";
import { shortName } from "../hive/keys.ts";
import { userHome } from "../person.ts";
import { systemHome, type UnitOptions } from "./unit.ts";

const fault = faults("service", {
  both: ["invalid", "Cannot make a unit that is both --user and --system"],
  root: [
    "invalid",
    "Cannot make a system unit without a user to run as",
    { cure: "Name one with --as USER; `useradd --system skep` makes one" },
  ],
});

type Env = Readonly<Record<string, string | undefined>>;
export type Scope = UnitOptions["scope"];

/** Which manager a command means: the user's own unless `--system` is said. Throws `service.both`. */
export function scopeOf(flags: { readonly user: boolean; readonly system: boolean }): Scope {
  if (flags.user && flags.system) throw fault.both();
  return flags.system ? "system" : "user";
}

/** The home of a unit: what the command names, else the usual one of that manager. */
export function unitHome({ global, io }: Pick<Context, "global" | "io">, scope: Scope): string {
  if (scope === "system" && global.home === undefined) return systemHome;
  return findHome({ flag: global.home, env: io.env, userHome });
}

/** Whom a system unit runs as: `--as`, else whoever called sudo. Throws `service.root`. */
export function runAsOf(scope: Scope, named: string | undefined, env: Env): string | undefined {
  if (scope === "user") return undefined;
  const user = named ?? env.SUDO_USER;
  if (user === undefined || !/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(user)) throw fault.root();
  return user;
}

/** Name of the unit of a home: `skep` for the usual one, so that several hives have several units. */
export function unitName(home: string, scope: Scope, env: Env): string {
  const usual =
    scope === "system" ? systemHome : findHome({ flag: undefined, env: { ...env, SKEP_HOME: "" }, userHome });
  return home === usual ? "skep" : `skep-${shortName(Buffer.from(home))}`;
}

/** Directory of the units of a manager. */
export function unitDirectory(scope: Scope, env: Env): string {
  if (scope === "system") return "/etc/systemd/system";
  const given = env.XDG_CONFIG_HOME;
  return join(given && isAbsolute(given) ? given : join(userHome, ".config"), "systemd", "user");
}

/** True when the home's path leaves no room for the socket in it. */
export function socketOutside(home: string): boolean {
  return Buffer.byteLength(join(home, "skep.sock")) > longestSocketPath;
}

/** The words that start the daemon of a home under the Node that runs this. */
export function daemonWords(home: string): readonly string[] {
  const launcher = fileURLToPath(new URL("../../../../scripts/node.mjs", import.meta.url));
  const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
  return [realpathSync(process.execPath), launcher, main, "up", "--home", home];
}

/** User id of a home's owner, where it is there. */
export function ownerOf(home: string): number | undefined {
  return statSync(home, { throwIfNoEntry: false })?.uid;
}
