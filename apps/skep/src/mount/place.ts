import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Fault } from "@skep/fault";
import { hasCode } from "../client/files.ts";
import { fault } from "./faults.ts";
import { shellWord } from "./line.ts";
import { type Ran, run } from "./run.ts";

/** Subtype by which a mount of ours is known: `fuse.skep` in /proc/mounts. */
export const subtype = "skep";

/** What is mounted at a place. */
export interface Mounted {
  readonly type: string;
  readonly source: string;
}

// As /proc/self/mountinfo writes a path: octal for what would end a word.
function unescaped(word: string): string {
  return word.replaceAll(/\\(\d{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

const mostLinks = 40;

/** Where a directory really is; the directory itself may be a mount that is dead, of which nothing but its name is told. */
function placeOf(dir: string, links = 0): string {
  const whole = resolve(dir);
  let place = whole;
  try {
    place = join(realpathSync(dirname(whole)), basename(whole));
    const target = readlinkSync(place);
    return links === mostLinks ? place : placeOf(resolve(dirname(place), target), links + 1);
  } catch {
    return place;
  }
}

/** What the text of /proc/self/mountinfo says to be mounted on top at a path. */
export function mountedIn(mountinfo: string, path: string): Mounted | undefined {
  let found: Mounted | undefined;
  // In bytes of UTF-8, of which a name may have any: compared as they stand.
  for (const line of mountinfo.split("\n")) {
    const words = line.split(" ");
    const at = words.indexOf("-");
    if (at < 0 || unescaped(words[4] ?? "") !== path) continue;
    found = { type: words[at + 1] ?? "", source: unescaped(words[at + 2] ?? "") };
  }
  return found;
}

/** What is mounted at a directory, on top. */
export function mountedAt(dir: string): Mounted | undefined {
  return mountedIn(readFileSync("/proc/self/mountinfo", "utf8"), placeOf(dir));
}

/**
 * Makes sure that a directory is there, is empty and has nothing mounted on it; true when it was made.
 * Throws `mount.mounted`, `mount.dead`, `mount.dir`, `mount.full`, `mount.parent`,
 * `mount.rights`.
 */
export function prepareDir(dir: string): boolean {
  const mounted = mountedAt(dir);
  if (mounted) throw isDead(dir) ? dead(dir) : fault.mounted(dir);
  if (makeDir(dir)) return true;
  checkEmpty(dir);
  return false;
}

function makeDir(dir: string): boolean {
  try {
    mkdirSync(dir, { mode: 0o700 });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    if (hasCode(error, "ENOENT", "ENOTDIR")) throw fault.parent(dirname(dir));
    if (hasCode(error, "ENOTCONN")) throw dead(dirname(dir));
    throw hasCode(error, "EACCES", "EPERM", "EROFS") ? fault.rights(dir) : error;
  }
}

function checkEmpty(dir: string): void {
  let names: readonly string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    if (hasCode(error, "ENOTDIR")) throw fault.dir(dir);
    throw hasCode(error, "EACCES", "EPERM") ? fault.rights(dir) : error;
  }
  if (names.length > 0) throw fault.full(dir);
}

const dead = (dir: string): Fault => fault.dead(dir, { cure: `Take it away with \`${unmountLine(dir)}\`` });

function isDead(dir: string): boolean {
  try {
    readdirSync(dir);
    return false;
  } catch (error) {
    return hasCode(error, "ENOTCONN");
  }
}

/** Takes a directory away that was made for a mount, where it is empty. */
export function removeDir(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // somebody put something there
  }
}

/** The program that mounts and unmounts for users, as this machine has it. */
export function findFusermount(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const places = [
    ...(env.PATH ?? "").split(":").filter((place) => place.startsWith("/")),
    "/usr/bin",
    "/bin",
  ];
  for (const name of ["fusermount3", "fusermount"])
    for (const place of places) if (isFile(join(place, name))) return join(place, name);
  return undefined;
}

function isFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** How somebody unmounts a directory: root by umount(8), others by fusermount(1) what is theirs. */
export function unmountWords(
  dir: string,
  lazily: boolean,
  env: Readonly<Record<string, string | undefined>>,
): readonly [program: string, ...words: string[]] {
  if (process.getuid?.() === 0) return ["umount", ...(lazily ? ["-l"] : []), dir];
  return [findFusermount(env) ?? "fusermount3", lazily ? "-uz" : "-u", dir];
}

/** Unmounts; where somebody is in it still, it is only taken out of the tree. Throws nothing. */
export async function unmount(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Ran & { readonly lazily: boolean }> {
  const [program, ...words] = unmountWords(dir, false, env);
  const ran = await run(program, words);
  if (ran.code === 0 || !mountedAt(dir)) return { ...ran, code: 0, lazily: false };
  const [again, ...rest] = unmountWords(dir, true, env);
  return { ...(await run(again, rest)), lazily: true };
}

/** The line that somebody may type to unmount. */
export function unmountLine(dir: string): string {
  return `skep mount --unmount ${shellWord(dir)}`;
}

/** Unmounts what is a hive's at a directory. Throws `mount.none`, `mount.foreign`, `mount.unmount`. */
export async function unmountHive(
  dir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly lazily: boolean }> {
  const mounted = mountedAt(dir);
  if (!mounted) throw fault.none(dir);
  if (mounted.type !== "9p" && mounted.type !== `fuse.${subtype}`)
    throw fault.foreign(`${dir}: ${mounted.type}`);
  const { code, told, lazily } = await unmount(placeOf(dir), env);
  if (code !== 0) throw fault.unmount(`${dir}: ${told}`);
  return { lazily };
}
