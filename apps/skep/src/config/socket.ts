import { createHash } from "node:crypto";
import { readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { problem } from "./faults.ts";
import { checkHome, makeHome } from "./home.ts";

/** Longest path of a unix socket in bytes: Linux's sun_path without its last NUL. */
export const longestSocketPath = 107;

/** What decides where the socket of a home is. */
export interface SocketSources {
  /** Must be there. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly tempDir: string;
}

const fits = (path: string) => Buffer.byteLength(path) <= longestSocketPath;
const what = "the directory of the socket";

/** The one path of a home, however it is reached: daemon and client must agree. */
function realHome(home: string): string {
  try {
    return realpathSync(home);
  } catch {
    return home;
  }
}

function outsideName(home: string, uid: number): string {
  return `skep-${uid}-${createHash("sha256").update(home).digest("hex").slice(0, 16)}`;
}

function outside(home: string, { env, uid, tempDir }: SocketSources): string {
  const runtime = env.XDG_RUNTIME_DIR;
  const places = [...(runtime && isAbsolute(runtime) ? [runtime] : []), tempDir, "/tmp"];
  const found = places.map((place) => join(place, outsideName(home, uid), "skep.sock")).find(fits);
  if (found !== undefined) return found;
  throw problem(
    "home",
    `Cannot place a socket for ${home}: every path is too long`,
    "Choose a shorter --home",
  );
}

/**
 * Prepares the place of the daemon's socket and tells it: `skep.sock` in the home, or where that path is too long a
 * directory (0700) named by a hash of the home, in `$XDG_RUNTIME_DIR` or among the temporary files; the home's file
 * `socket` then says where. Faults: `config.home`.
 */
export function placeSocket(sources: SocketSources): string {
  const home = realHome(sources.home);
  const inside = join(home, "skep.sock");
  if (fits(inside)) return inside;
  const path = outside(home, sources);
  makeHome(dirname(path), sources.uid, what);
  const pointer = join(home, "socket");
  // A client that reads while this is written must see the old path or the new one.
  writeFileSync(`${pointer}.new`, `${path}\n`, { mode: 0o600 });
  renameSync(`${pointer}.new`, pointer);
  return path;
}

function readPointer(home: string): string | undefined {
  try {
    return readFileSync(join(home, "socket"), "utf8").trim();
  } catch {
    return undefined;
  }
}

/**
 * Where a client finds the daemon of this home. Where the socket is outside, the home's file `socket` is asked first,
 * because the client's `$XDG_RUNTIME_DIR` may differ from the daemon's; in a copied home it names the other home's
 * socket and is not believed. A directory that others may enter is refused: `config.home`.
 */
export function findSocket(sources: SocketSources): string {
  const home = realHome(sources.home);
  const inside = join(home, "skep.sock");
  if (fits(inside)) return inside;
  const told = readPointer(home);
  const own = told !== undefined && basename(dirname(told)) === outsideName(home, sources.uid);
  const path = own && isAbsolute(told) && fits(told) ? told : outside(home, sources);
  checkHome(dirname(path), sources.uid, what);
  return path;
}
