import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Where Node keeps what it compiled: beside the dependencies where this user may write there, else in the user's own
 * cache. Never in a directory that others can write, since what lies there is run.
 */
export function compileCache(): string {
  const beside = fileURLToPath(new URL("../../../node_modules", import.meta.url));
  try {
    accessSync(beside, constants.W_OK);
    return join(beside, ".cache", "skep");
  } catch {
    const cache = process.env.XDG_CACHE_HOME;
    return join(cache && isAbsolute(cache) ? cache : join(homedir(), ".cache"), "skep", "compiled");
  }
}
