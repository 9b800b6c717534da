import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { faults } from "@skep/fault";
import { Journal } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import { openCheckpoint } from "@skep/tlog";
import { z } from "zod";
import { replacePrivate } from "../client/files.ts";
import { hiveKeys } from "../hive/keys.ts";
import { addPending } from "../hive/pending.ts";
import { places } from "../hive/storage.ts";
import { logKeyText, logVerifiers } from "../proof/trust.ts";
import { Walk } from "../proof/verify.ts";
import { type Manifest, manifestName, sumsName } from "./backup.ts";
import { type Opener, opened } from "./seal.ts";
import { readTar, type TarEntry } from "./tar.ts";

const fault = faults("restore", {
  occupied: [
    "conflict",
    "Cannot restore into a home that is not empty",
    { cure: "Name another with --home" },
  ],
  kind: ["invalid", "Cannot restore: this is no backup of skep"],
  newer: ["unsupported", "Cannot restore: the backup was made by a newer skep", { cure: "Use that one" }],
  name: ["corrupt", "Cannot restore: the backup names a file outside of the home"],
  cut: ["corrupt", "Cannot restore: the backup ends too early"],
  sum: ["corrupt", "Cannot restore: a file of the backup is damaged"],
  blob: [
    "corrupt",
    "Cannot restore: a blob of the backup is damaged",
    { cure: "Take another backup, or leave damaged blobs out with --without-damaged-blobs" },
  ],
  root: ["corrupt", "Cannot restore: the records do not have the root that their checkpoint signs"],
});

const Told = z.looseObject({
  skep: z.literal("backup"),
  version: z.int(),
  hive: z.string(),
  origin: z.string(),
  time: z.number(),
  records: z.int().min(0),
  checkpoint: z.string(),
});

function isEmpty(home: string): boolean {
  return !existsSync(home) || readdirSync(home).length === 0;
}

function pathIn(dir: string, name: string): string {
  const steps = name.split("/");
  if (name.includes("\0") || steps.some((step) => step === "" || step === "." || step === ".."))
    throw fault.name(name);
  return join(dir, ...steps);
}

async function extract(dir: string, entry: TarEntry): Promise<string> {
  const path = pathIn(dir, entry.name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const hash = createHash("sha256");
  const file = await open(path, "wx", entry.mode & 0o700);
  try {
    for await (const bytes of entry.body) {
      hash.update(bytes);
      await file.writeFile(bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

async function textOf({ body }: TarEntry): Promise<string> {
  return Buffer.concat(await Array.fromAsync(body)).toString("utf8");
}

function parseManifest(text: string): Manifest {
  const read = Told.safeParse(JSON.parse(text));
  if (!read.success) throw fault.kind();
  if (read.data.version !== 1) throw fault.newer(read.data.version);
  return read.data as unknown as Manifest;
}

const isDamaged = (name: string, sum: string): boolean =>
  name.startsWith("blobs/") && name.slice(-64) !== sum;

// Every file but the blobs, which are checked by their own names, stands in the sums.
function checkSums(text: string, found: ReadonlyMap<string, string>): void {
  const due = new Map(
    text
      .split("\n")
      .filter(Boolean)
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  for (const [name, sum] of found) {
    if (isDamaged(name, sum)) throw fault.blob(name.slice(-64));
    if (!name.startsWith("blobs/") && due.get(name) !== sum) throw fault.sum(name);
    due.delete(name);
  }
  const [missing] = due.keys();
  if (missing !== undefined) throw fault.sum(missing);
}

function dropDamaged(dir: string, found: Map<string, string>): readonly string[] {
  const names = [...found].filter(([name, sum]) => isDamaged(name, sum)).map(([name]) => name);
  for (const name of names) {
    rmSync(pathIn(dir, name));
    found.delete(name);
  }
  return names.map((name) => name.slice(-64));
}

interface Extracted {
  readonly manifest: Manifest;
  /** Digests of damaged blobs that were left out. */
  readonly leftOut: readonly string[];
}

async function extractAll(
  dir: string,
  entries: AsyncIterable<TarEntry>,
  { step, withoutDamaged }: RestoreOptions,
): Promise<Extracted> {
  let manifest: Manifest | undefined;
  let sums: string | undefined;
  const found = new Map<string, string>();
  for await (const entry of entries) {
    if (!manifest) {
      if (entry.name !== manifestName) throw fault.kind();
      manifest = parseManifest(await textOf(entry));
    } else if (entry.name === sumsName) sums = await textOf(entry);
    else found.set(entry.name, await extract(dir, entry));
    step(entry.size);
  }
  if (!manifest || sums === undefined) throw fault.cut();
  const leftOut = withoutDamaged ? dropDamaged(dir, found) : [];
  checkSums(sums, found);
  return { manifest, leftOut };
}

/** The records, as they lie in the new home, against the checkpoint that the backup carries. */
async function checkJournal(home: string, { checkpoint: note, records }: Manifest): Promise<void> {
  const { checkpoint } = openCheckpoint(note, { logs: logVerifiers(home) });
  const journal = await Journal.openToRead(openFiles(places.files(home)));
  const walk = new Walk();
  const total = journal.segments.records;
  while (walk.size < total)
    for (const bytes of await journal.segments.read(walk.size, Math.min(1024, total - walk.size)))
      walk.add(bytes);
  const same = Buffer.from(walk.root).equals(checkpoint.root);
  if (!same || total !== checkpoint.size || total !== records) throw fault.root(`${total} records`);
}

/** A log of its own from here on: whoever holds a later checkpoint of the old one is not contradicted. */
function beginEpoch(home: string, { checkpoint, origin }: Manifest): string {
  const key = logKeyText(home);
  const now = `skep.invalid/${hiveKeys(home).hive}/r${randomBytes(4).toString("hex")}`;
  replacePrivate(join(home, "keys", "log"), randomBytes(32));
  replacePrivate(join(home, "keys", "origin"), `${now}\n`);
  addPending(home, { op: "restored", data: { origin, checkpoint, key, now } });
  return now;
}

/** How a backup is made into a home. */
export interface RestoreOptions {
  readonly opener: Opener;
  /** Leave out blobs that do not have their digest, where they would be refused. */
  readonly withoutDamaged: boolean;
  readonly step: (bytes: number) => void;
}

/**
 * Makes a home out of a backup, verified as a whole, or nothing. Its log begins a new epoch that names the old
 * checkpoint. Throws `restore.*`, `tar.*`, `backup-key.*`, `tlog.*`, `journal.*`.
 */
export async function restore(
  file: string,
  home: string,
  options: RestoreOptions,
): Promise<Extracted & { readonly origin: string }> {
  if (!isEmpty(home)) throw fault.occupied(home);
  const draft = `${home}.restoring-${process.pid}`;
  mkdirSync(draft, { recursive: true, mode: 0o700 });
  try {
    const bytes = createReadStream(file, { highWaterMark: 1 << 20 });
    const entries = readTar(await opened(bytes, options.opener));
    const { manifest, leftOut } = await extractAll(draft, entries, options);
    await checkJournal(draft, manifest);
    const origin = beginEpoch(draft, manifest);
    if (existsSync(home)) rmdirSync(home);
    renameSync(draft, home);
    return { manifest, leftOut, origin };
  } catch (thrown) {
    rmSync(draft, { recursive: true, force: true });
    throw thrown;
  }
}
