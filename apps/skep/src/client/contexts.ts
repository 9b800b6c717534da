import { readdirSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { faults } from "@skep/fault";
import { z } from "zod";
import { userHome } from "../person.ts";
import { hasCode, readText, replacePrivate } from "./files.ts";

const fault = faults("context", {
  name: ["invalid", "Cannot use a context name that is not 1 to 64 letters, digits, dots, dashes"],
  unknown: ["absent", "Cannot find context", { cure: "`skep context list` shows those that are there" }],
  damaged: [
    "corrupt",
    "Cannot read context",
    { cure: "Remove it with `skep context remove` and add it again" },
  ],
});

type Env = Readonly<Record<string, string | undefined>>;

/** Where a hive is reached: a unix socket, or TCP on this machine. */
export type Place = { readonly path: string } | { readonly host: string; readonly port: number };

const Stored = z.strictObject({
  version: z.literal(1),
  socket: z.string().min(1).optional(),
  "9p": z.strictObject({ host: z.string(), port: z.int().min(1).max(65_535) }).optional(),
  hive: z.string().optional(),
});

/** Another hive, or this one with another ticket. */
export interface HiveContext {
  readonly name: string;
  readonly place: Place;
  /** Name of the hive, where it is known. */
  readonly hive?: string | undefined;
  /** What the ticket is; empty where the socket itself speaks for its owner. */
  readonly ticket: string;
}

/** `$XDG_CONFIG_HOME/skep`, or `~/.config/skep`. */
export function configDirectory(env: Env): string {
  const given = env.XDG_CONFIG_HOME;
  return join(given && isAbsolute(given) ? given : join(userHome, ".config"), "skep");
}

function checkName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) throw fault.name(name);
  return name;
}

const files = (env: Env, name: string) => {
  const base = join(configDirectory(env), "contexts", checkName(name));
  return { told: `${base}.json`, ticket: `${base}.ticket` };
};

/** Reads a context. Throws `context.unknown`, `.damaged`. */
export function readContext(env: Env, name: string): HiveContext {
  const { told, ticket } = files(env, name);
  const text = readText(told);
  if (text === undefined) throw fault.unknown(name);
  try {
    const stored = Stored.parse(JSON.parse(text));
    const place = stored.socket === undefined ? stored["9p"] : { path: stored.socket };
    if (!place) throw new Error("neither socket nor 9p");
    return { name, place, hive: stored.hive, ticket: (readText(ticket) ?? "").trim() };
  } catch (cause) {
    throw fault.damaged(name, { cause });
  }
}

/** Keeps a context; its ticket stands in a file of its own, which only its owner may read. */
export function writeContext(env: Env, { name, place, hive, ticket }: HiveContext): void {
  const paths = files(env, name);
  const where = "path" in place ? { socket: place.path } : { "9p": place };
  if (ticket === "") rmSync(paths.ticket, { force: true });
  else replacePrivate(paths.ticket, `${ticket}\n`);
  replacePrivate(paths.told, `${JSON.stringify({ version: 1, ...where, ...(hive && { hive }) })}\n`);
}

/** Names of all contexts, sorted. */
export function listContexts(env: Env): readonly string[] {
  try {
    const found = readdirSync(join(configDirectory(env), "contexts"));
    return found
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -5))
      .sort();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

const currentFile = (env: Env) => join(configDirectory(env), "current");

/** The context that is used where nothing else is said. */
export function currentContext(env: Env): string | undefined {
  return readText(currentFile(env))?.trim() || undefined;
}

/** Makes a context the one that is used, or none. */
export function useContext(env: Env, name: string | undefined): void {
  if (name === undefined) rmSync(currentFile(env), { force: true });
  else {
    readContext(env, name);
    replacePrivate(currentFile(env), `${name}\n`);
  }
}

/** Forgets a context and its ticket. */
export function removeContext(env: Env, name: string): void {
  const { told, ticket } = files(env, name);
  if (readText(told) === undefined) throw fault.unknown(name);
  rmSync(told);
  rmSync(ticket, { force: true });
  if (currentContext(env) === name) useContext(env, undefined);
}
