import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { faults } from "@skep/fault";
import { readText, replacePrivate, syncDirectory } from "../client/files.ts";

const fault = faults("format", {
  newer: [
    "unsupported",
    "Cannot use a home that a newer skep wrote",
    { cure: "Use that version of skep, or restore a backup of before" },
  ],
  read: [
    "corrupt",
    "Cannot read the number of the home's format",
    { cure: "Restore a backup with `skep restore`" },
  ],
  path: ["internal", "Cannot migrate home: nothing leads from its format to the present one"],
});

/** The format of the homes that this program writes. */
export const homeFormat = 1;

/**
 * Changes a home of one format into one of the next; called with the home locked and copied. It replaces files and
 * never writes into one: the copy shares blobs and sealed segments with the home.
 */
export type Migration = (home: string) => void | Promise<void>;

/** By the format that they start from. There is none yet: format 1 is the first. */
const migrations: Readonly<Record<number, Migration>> = {};

const fileOf = (home: string): string => join(home, "format");

/** The format of a home; the present one where nothing was started in it yet. Throws `format.read`. */
export function formatOf(home: string, present = homeFormat): number {
  const text = readText(fileOf(home));
  if (text === undefined) return existsSync(join(home, "hive")) ? 1 : present;
  const format = Number(text.trim());
  if (!Number.isSafeInteger(format) || format < 1) throw fault.read(text.trim());
  return format;
}

// Held or made again by whoever runs; a copy of the copies is of no use.
const uncopied = /^(lock|reserve|skep\.sock|socket|index\.sqlite.*|backup-format-.*)$/;

/** Files that are never written again once they have their name: blobs, and all segments but the last. */
function unchanging(home: string): (path: string) => boolean {
  const blobs = join(home, "blobs");
  const journal = join(home, "hive", "journal");
  const segments = existsSync(journal) ? readdirSync(journal).filter((name) => name.endsWith(".seg")) : [];
  const sealed = new Set(segments.sort().slice(0, -1));
  return (path) =>
    (dirname(path) === journal && sealed.has(basename(path))) ||
    (path.startsWith(`${blobs}/`) && /^[0-9a-f]{64}$/.test(basename(path)));
}

// What never changes has a second name instead of a copy, so that the bytes of a large home are there only once.
function copyInto(from: string, to: string, linked: (path: string) => boolean): void {
  const stat = lstatSync(from);
  if (stat.isDirectory()) {
    mkdirSync(to, { mode: 0o700 });
    for (const name of readdirSync(from)) copyInto(join(from, name), join(to, name), linked);
    syncDirectory(to);
  } else if (linked(from)) linkSync(from, to);
  else if (stat.isFile()) replacePrivate(to, readFileSync(from));
}

function copyAside(home: string, format: number): string {
  const copy = join(home, `backup-format-${format}`);
  const draft = `${copy}.new`;
  if (existsSync(copy)) return copy;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  const linked = unchanging(home);
  for (const name of readdirSync(home))
    if (!uncopied.test(name)) copyInto(join(home, name), join(draft, name), linked);
  syncDirectory(draft);
  renameSync(draft, copy);
  syncDirectory(home);
  return copy;
}

/** What became of a home at a start. */
export interface Migrated {
  readonly from: number;
  readonly to: number;
  /** Where the home is as it was. */
  readonly copy: string;
}

/**
 * Brings a locked home to the present format, one step after the other, after a copy of it; undefined where it has it
 * already. A home of a newer format is refused: `format.newer`.
 */
export async function migrateHome(
  home: string,
  present = homeFormat,
  steps: Readonly<Record<number, Migration>> = migrations,
): Promise<Migrated | undefined> {
  const from = formatOf(home, present);
  if (from > present) throw fault.newer(`format ${from}; this skep knows ${present}`);
  const copy = from < present ? copyAside(home, from) : undefined;
  for (let at = from; at < present; at += 1) {
    const step = steps[at];
    if (!step) throw fault.path(at);
    await step(home);
    replacePrivate(fileOf(home), `${at + 1}\n`);
  }
  if (copy !== undefined) return { from, to: present, copy };
  if (!existsSync(fileOf(home))) replacePrivate(fileOf(home), `${present}\n`);
  return undefined;
}
