import { existsSync } from "node:fs";
import { join } from "node:path";
import { Fault, faults } from "@skep/fault";
import { Journal } from "@skep/kernel";
import type { Client } from "@skep/ninep";
import { openFiles } from "@skep/storage";
import { createSigner, decodeBundle, printCheckpoint, signNote, tilePath, tileWidth } from "@skep/tlog";
import { parseCheckpoint, parseNote, type TileReader } from "@skep/tlog";
import { hiveKeys } from "../hive/keys.ts";
import { places } from "../hive/storage.ts";
import { readText } from "../client/files.ts";
import { cosignedFile } from "../witness/place.ts";
import { notAtStart } from "./damage.ts";

const fault = faults("log", {
  none: [
    "absent",
    "Cannot find a journal in this home",
    { cure: "Start a hive with `skep up`, or name its --home" },
  ],
});

/** A log that can be read: a running hive's, a home's, or an exported file's. */
export interface LogSource extends AsyncDisposable {
  /** In words, for messages. */
  readonly name: string;
  /** The newest signed checkpoint; not verified yet. */
  readonly checkpoint: string;
  /** The newest checkpoint with enough cosignatures; empty without witnesses. */
  readonly cosigned: string;
  /** Records that the checkpoint speaks of. */
  readonly size: number;
  /** The bytes of records, in order; `to` is exclusive. */
  entries(from: number, to: number): AsyncGenerator<Uint8Array>;
  readonly tile: TileReader;
}

/** Size of a checkpoint that nobody verified yet. Throws `tlog.*` where it is none. */
export function claimedSize(note: string): number {
  return parseCheckpoint(parseNote(note).text).size;
}

/** The log of a running hive, through `/audit`. The client stays the caller's. */
export async function hiveLog(client: Client, name: string, signal: AbortSignal): Promise<LogSource> {
  const checkpoint = (await client.readAll("/audit/checkpoint", { signal })).toString();
  const size = claimedSize(checkpoint);
  const cosigned = (await client.readAll("/audit/cosigned", { signal })).toString();
  const read = (level: number | "entries", index: number, width: number): Promise<Uint8Array> =>
    client.readAll(`/audit/${tilePath({ level, index, width })}`, { signal });
  const bundleAt = (index: number): Promise<Uint8Array[]> => {
    const width = Math.min(tileWidth, size - index * tileWidth);
    const bundle = read("entries", index, width).then((bytes) => decodeBundle(bytes, width));
    // Whoever stops before it comes does not wait for it.
    bundle.catch(() => undefined);
    return bundle;
  };
  async function* entries(from: number, to: number): AsyncGenerator<Uint8Array> {
    let index = Math.floor(from / tileWidth);
    const next = (): Promise<Uint8Array[]> | undefined =>
      index * tileWidth < to ? bundleAt(index) : undefined;
    // While the records of one are looked at the hive makes the next ready.
    for (let coming = next(); coming; ) {
      const start = index * tileWidth;
      const bundle = await coming;
      index += 1;
      coming = next();
      yield* bundle.slice(Math.max(0, from - start), to - start);
    }
  }
  return {
    name,
    checkpoint,
    cosigned,
    size,
    entries,
    tile: read,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function journalOf(home: string): Promise<Journal> {
  try {
    const journal = await Journal.openToRead(openFiles(places.files(home)));
    await journal.growTree(() => undefined);
    return journal;
  } catch (thrown) {
    throw thrown instanceof Fault ? notAtStart(thrown) : thrown;
  }
}

/** The log of a home, whether its hive is up or not; nothing is written. Throws `journal.*` where it is damaged. */
export async function homeLog(home: string): Promise<LogSource> {
  if (!existsSync(join(places.files(home), "journal"))) throw fault.none(home);
  const journal = await journalOf(home);
  const keys = hiveKeys(home);
  const size = journal.segments.records;
  const signer = createSigner(keys.origin, keys.log.key);
  const checkpoint = signNote(printCheckpoint({ origin: keys.origin, size, root: journal.tree.root() }), [
    signer,
  ]);
  async function* entries(from: number, to: number): AsyncGenerator<Uint8Array> {
    for (let at = from; at < to; ) {
      const batch = await journal.segments.read(at, Math.min(1024, to - at));
      yield* batch;
      at += batch.length;
    }
  }
  return {
    name: home,
    checkpoint,
    cosigned: readText(cosignedFile(home)) ?? "",
    size,
    entries,
    tile: (level, index, width) => journal.tree.tile(level, index, width),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
