import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { opendir, open, readdir, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { faults } from "@skep/fault";
import { places } from "../hive/storage.ts";
import type { TarEntry } from "./tar.ts";

const fault = faults("backup", {
  journal: [
    "corrupt",
    "Cannot back up: a segment of the journal is shorter than its checkpoint says",
    { cure: "Run `skep fsck`" },
  ],
  blob: [
    "corrupt",
    "Cannot back up: a blob is damaged",
    {
      cure: "Stop the hive and run `skep fsck --repair`, which moves damaged blobs aside; then back up again",
    },
  ],
});

/** First file of a backup. */
export const manifestName = "skep-backup.json";
/** Last file of a backup: the SHA-256 of every other one that is no blob. */
export const sumsName = "skep-backup.sha256";

/** What a backup says of itself. */
export interface Manifest {
  readonly skep: "backup";
  readonly version: 1;
  readonly hive: string;
  readonly origin: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** Records in it: those that the checkpoint signs. */
  readonly records: number;
  readonly checkpoint: string;
}

/** Bytes of a segment's header, and before each of its records: see the kernel's frames. */
const headerSize = 20;
const frameHead = 8;
const lengthMask = 0x7fff_ffff;

/** Where the frames of the first `count` records of a segment end. Throws `backup.journal` when there are fewer. */
export async function endOfRecords(path: string, count: number): Promise<number> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(frameHead);
    let at = headerSize;
    for (let left = count; left > 0; left -= 1) {
      const { bytesRead } = await file.read(head, 0, frameHead, at);
      at += frameHead + (head.readUInt32BE(0) & lengthMask);
      if (bytesRead < frameHead || at > size) throw fault.journal(path);
    }
    return at;
  } finally {
    await file.close();
  }
}

interface Part {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
}

/** The segments that hold the records below `records`, the last one only as far as it does. */
async function segmentsOf(home: string, records: number): Promise<readonly Part[]> {
  const dir = join(places.files(home), "journal");
  const names = (await readdir(dir)).filter((name) => /^\d{16}\.seg$/.test(name)).sort();
  const parts: Part[] = [];
  for (const [at, name] of names.entries()) {
    const first = Number(name.slice(0, 16));
    const next = Number(names[at + 1]?.slice(0, 16) ?? Number.POSITIVE_INFINITY);
    if (first >= records) break;
    const path = join(dir, name);
    const size = next <= records ? (await stat(path)).size : await endOfRecords(path, records - first);
    parts.push({ path, size, mode: 0o600 });
  }
  return parts;
}

/** What is made again at the next start, or belongs to the process that runs. */
const left = [/^damaged(\/|$)/, /^lock(\/|$)/, /^reserve$/, /^index\.sqlite/, /^skep\.sock$/, /^socket$/];
const apart = [
  /^blobs(\/|$)/,
  /^hive\/journal(\/|$)/,
  /^hive\/snapshot(\/|$)/,
  /(^|\/)cache(\/|$)/,
  /\.new$/,
  /^backup-format-/,
];

async function* filesOf(home: string, dir = home): AsyncGenerator<Part> {
  for await (const entry of await opendir(dir)) {
    const path = join(dir, entry.name);
    const name = relative(home, path);
    if ([...left, ...apart].some((pattern) => pattern.test(name))) continue;
    if (entry.isDirectory()) yield* filesOf(home, path);
    else if (entry.isFile()) {
      const { size, mode } = await stat(path);
      yield { path, size, mode: mode & 0o700 };
    }
  }
}

async function* blobsOf(home: string): AsyncGenerator<Part> {
  const dir = places.blobs(home);
  for (const name of await readdir(dir, { recursive: true }).catch(() => [])) {
    if (!/^[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{64}$/.test(name)) continue;
    // What was collected since it was listed is referenced by nothing.
    const found = await stat(join(dir, name)).catch(() => undefined);
    if (found) yield { path: join(dir, name), size: found.size, mode: 0o600 };
  }
}

async function* bodyOf({ path, size }: Part, hear: (bytes: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  for await (const bytes of createReadStream(path, { end: size - 1, highWaterMark: 1 << 20 })) {
    hear(bytes as Uint8Array);
    yield bytes as Uint8Array;
  }
}

async function* blobBody(part: Part, step: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  yield* bodyOf(part, (bytes) => {
    hash.update(bytes);
    step(bytes.length);
  });
  const digest = basename(part.path);
  if (hash.digest("hex") !== digest) throw fault.blob(digest);
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const textEntry = (name: string, text: string): TarEntry => {
  const bytes = Buffer.from(text);
  return { name, size: bytes.length, mode: 0o600, body: only(bytes) };
};

/**
 * The files of a backup, in order. The journal is copied up to the records of the manifest, which are durable and
 * never change; blobs after it, so that all that its records name are there.
 */
export async function* backupEntries(
  home: string,
  manifest: Manifest,
  step: (bytes: number) => void,
): AsyncGenerator<TarEntry> {
  const sums: string[] = [];
  yield textEntry(manifestName, `${JSON.stringify(manifest)}\n`);
  const segments = await segmentsOf(home, manifest.records);
  for await (const part of concat(segments, filesOf(home))) {
    const name = relative(home, part.path);
    const hash = createHash("sha256");
    const hear = (bytes: Uint8Array): void => {
      hash.update(bytes);
      step(bytes.length);
    };
    yield { name, size: part.size, mode: part.mode, body: bodyOf(part, hear) };
    sums.push(`${hash.digest("hex")}  ${name}\n`);
  }
  for await (const part of blobsOf(home))
    yield {
      name: relative(home, part.path),
      size: part.size,
      mode: part.mode,
      body: blobBody(part, step),
    };
  yield textEntry(sumsName, sums.join(""));
}

async function* concat<T>(first: Iterable<T>, second: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first;
  yield* second;
}
