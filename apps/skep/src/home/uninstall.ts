import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import {
  configDirectory,
  type HiveContext,
  listContexts,
  readContext,
  removeContext,
} from "../client/contexts.ts";
import { hasCode } from "../client/files.ts";
import { userHome } from "../person.ts";
import { isOurs } from "./contents.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Removes a directory when nothing is in it. */
function removeEmpty(dir: string): boolean {
  try {
    rmdirSync(dir);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOTEMPTY", "EEXIST", "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}

/** Removes a file or tree that is there; links are taken away, never followed. */
function remove(path: string, removed: string[]): void {
  if (!existsSync(path)) return;
  rmSync(path, { recursive: true, force: true });
  removed.push(path);
}

/** Forgets all contexts of this user; gives what was removed. */
export function removeContexts(env: Env): string[] {
  const dir = configDirectory(env);
  const removed: string[] = [];
  remove(join(dir, "contexts"), removed);
  remove(join(dir, "current"), removed);
  removeEmpty(dir);
  return removed;
}

/** Removes what Node compiled of the program into this user's cache; what lies in the program's folder goes with it. */
export function removeCaches({ XDG_CACHE_HOME: given }: Env): string[] {
  const dir = join(given && isAbsolute(given) ? given : join(userHome, ".cache"), "skep");
  const removed: string[] = [];
  remove(join(dir, "compiled"), removed);
  removeEmpty(dir);
  return removed;
}

/** Forgets the contexts that lead to one hive; gives what was removed. A damaged one leads nowhere and stays. */
export function removeContextsOf(
  env: Env,
  hive: { readonly name: string; readonly socket: string },
): string[] {
  const removed: string[] = [];
  for (const name of listContexts(env)) {
    const found = contextThatReads(env, name);
    if (!found) continue;
    const leads = found.hive === hive.name || ("path" in found.place && found.place.path === hive.socket);
    if (!leads) continue;
    removeContext(env, name);
    removed.push(join(configDirectory(env), "contexts", name));
  }
  return removed;
}

function contextThatReads(env: Env, name: string): HiveContext | undefined {
  try {
    return readContext(env, name);
  } catch {
    return undefined;
  }
}

// Only a directory that is named as ours is ever removed.
function removeSocketDirectory(home: string, removed: string[]): void {
  const pointer = join(home, "socket");
  if (!existsSync(pointer)) return;
  const dir = dirname(readFileSync(pointer, "utf8").trim());
  if (/^skep-\d+-[0-9a-f]{16}$/.test(basename(dir))) remove(dir, removed);
}

/** Removes all that Skep made in a home whose lock is held, the lock last; gives what else lies there. */
export function purgeHome(home: string, removed: string[]): readonly string[] {
  removeSocketDirectory(home, removed);
  const names = readdirSync(home);
  for (const name of names)
    if (isOurs(name) && name !== "lock") rmSync(join(home, name), { recursive: true });
  rmSync(join(home, "lock"), { recursive: true, force: true });
  if (removeEmpty(home)) removed.push(home);
  return names.filter((name) => !isOurs(name));
}
