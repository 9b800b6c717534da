import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, type Context, command } from "@skep/edge-cli";
import { homeOf, homeTarget } from "../client/connect.ts";
import { checkHome } from "../config/mod.ts";
import { lock } from "../hive/storage.ts";
import { purgeHome, removeCaches, removeContexts, removeContextsOf } from "../home/uninstall.ts";
import { type Scope, unitName } from "../service/place.ts";
import { removeUnit } from "../service/systemctl.ts";

// A system unit is another user's to remove.
function scopes(): readonly Scope[] {
  return process.getuid?.() === 0 ? ["user", "system"] : ["user"];
}

function removeUnits({ io, out }: Context, home: string): string[] {
  return scopes().flatMap((scope) => {
    const removed = removeUnit(io.env, scope, unitName(home, scope, io.env));
    for (const { command: line, why } of removed?.failed ?? []) out.warn(`\`${line}\` failed: ${why}`);
    return removed ? [removed.file] : [];
  });
}

/** The name to type before a home goes: the hive's, which no other home has. */
function nameOf(home: string): string | undefined {
  const path = join(home, "keys", "hive");
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}

// Where one home was named, contexts of other hives stay, and the caches that all share.
function removeOutside({ global, io }: Context, home: string, name: string | undefined): string[] {
  if (global.home === undefined) return [...removeContexts(io.env), ...removeCaches(io.env)];
  if (name === undefined) return [];
  const { place } = homeTarget(home, io.env);
  return removeContextsOf(io.env, { name, socket: "path" in place ? place.path : "" });
}

/** `skep uninstall`. */
export const uninstall: Command = command({
  name: "uninstall",
  group: "care",
  summary: "Remove the units, caches and contexts of skep, and with --purge the home",
  doc: "With --home only what belongs to that hive goes: its unit, the contexts that lead to it, and with --purge that home. The program's own folder is yours to remove; so is all that skep did not make. Refused while a daemon has the home: `skep service remove` stops one that systemd keeps.",
  examples: [
    { run: "skep uninstall", doc: "The home with its journal and keys stays" },
    {
      run: "skep uninstall --purge --home /srv/old",
      doc: "That hive and the contexts that lead to it, nothing else",
    },
    { run: "skep uninstall --purge --confirm=hive-abcdefghijkl", doc: "The home too, without a question" },
  ],
  flags: { purge: { kind: "boolean", doc: "Remove the home: keys, journal, blobs" } },
  danger: "severe",
  run: async (context) => {
    const { flags, out } = context;
    const home = homeOf(context);
    const name = checkHome(home, process.getuid?.() ?? 0) ? nameOf(home) : undefined;
    if (flags.purge && name !== undefined)
      await context.confirm({
        act: `Remove the home ${home} with all keys and the journal of ${name}`,
        name,
      });
    // Held to the end: no daemon starts in between.
    using _held = name === undefined ? undefined : lock(home);
    const removed = [...removeUnits(context, home), ...removeOutside(context, home, name)];
    const left = flags.purge && name !== undefined ? purgeHome(home, removed) : [];
    if (out.wantsJson) return out.json({ removed, kept: flags.purge ? left : [home] });
    for (const path of removed) await out.line("Removed ", path);
    if (removed.length === 0) await out.line("Nothing was there to remove");
    if (left.length > 0) out.warn(`${home} stays: ${left.join(", ")} is not of skep`);
    if (!flags.purge && name !== undefined) await out.line(`The home ${home} stays; --purge removes it`);
    return undefined;
  },
});
