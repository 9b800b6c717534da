import { closeSync, constants, fstatSync, mkdirSync, openSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { problem } from "./faults.ts";

/** What decides where a home is and whose it must be. */
export interface HomeSources {
  /** As given with `--home`. */
  readonly flag?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The caller's own directory, as the system knows it. */
  readonly userHome: string;
  readonly uid: number;
}

/** `--home`, `$SKEP_HOME`, `$XDG_STATE_HOME/skep`, or `~/.local/state/skep`, as an absolute path. */
export function findHome({ flag, env, userHome }: Pick<HomeSources, "flag" | "env" | "userHome">): string {
  if (flag) return resolve(flag);
  if (env.SKEP_HOME) return resolve(env.SKEP_HOME);
  // The XDG specification tells to ignore a relative path.
  const state = env.XDG_STATE_HOME;
  return join(state && isAbsolute(state) ? state : join(userHome, ".local", "state"), "skep");
}

function openDirectory(path: string, what: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT") return undefined;
    const why = code === "ENOTDIR" ? "it is no directory" : String(code ?? cause);
    throw problem("home", `Cannot use ${what} ${path}: ${why}`, "Choose another with --home", cause);
  }
}

/** Refuses a directory that is not the caller's or that others may enter. Faults: `config.home`. */
function checkOwn(path: string, fd: number, uid: number, what: string): void {
  try {
    const stat = fstatSync(fd);
    if (stat.uid !== uid)
      throw problem(
        "home",
        `Cannot use ${what} ${path}: it belongs to user ${stat.uid}, not to ${uid}`,
        "Run as its owner, or choose another with --home",
      );
    if ((stat.mode & 0o077) !== 0)
      throw problem(
        "home",
        `Cannot use ${what} ${path}: others may enter it (mode ${(stat.mode & 0o777).toString(8)})`,
        `Run chmod 700 ${path}`,
      );
  } finally {
    closeSync(fd);
  }
}

/** True when there is a home; a home that may not be used is refused. Faults: `config.home`. */
export function checkHome(path: string, uid: number, what = "home"): boolean {
  const fd = openDirectory(path, what);
  if (fd === undefined) return false;
  checkOwn(path, fd, uid, what);
  return true;
}

/** Makes the home where there is none (mode 0700) and checks it. True when it was made. Faults: `config.home`. */
export function makeHome(path: string, uid: number, what = "home"): boolean {
  if (checkHome(path, uid, what)) return false;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? cause.code : cause;
    throw problem("home", `Cannot make ${what} ${path}: ${why}`, "Choose another with --home", cause);
  }
  if (!checkHome(path, uid, what))
    throw problem("home", `Cannot make ${what} ${path}: it went away`, "Try again");
  return true;
}
