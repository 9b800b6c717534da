import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { type BlobStore, openBlobs } from "@skep/storage";
import { formatBytes } from "@skep/text";
import { syncDirectory } from "../client/files.ts";
import { places } from "../hive/storage.ts";
import { bad, counted, type Finding, note, ok } from "./finding.ts";

interface BlobPatient {
  readonly home: string;
  readonly repair: boolean;
  readonly step: (label: string, done: number, total: number | undefined) => void;
}

/** Moves a blob out of the store: an upload of its bytes is then taken again. */
function moveAside(home: string, digest: string): string {
  const damaged = join(home, "damaged");
  mkdirSync(damaged, { recursive: true, mode: 0o700 });
  const dir = join(places.blobs(home), digest.slice(0, 2), digest.slice(2, 4));
  const path = join(damaged, digest);
  renameSync(join(dir, digest), path);
  syncDirectory(damaged);
  syncDirectory(dir);
  return path;
}

const again = (digest: string): string =>
  `When the hive is up, hand the same bytes in again (\`skep run\`, \`skep model import\` and \`skep update upload\` do, or append them to /cas/${digest})`;

function damagedBlob(home: string, digest: string, repair: boolean): Finding {
  if (!repair)
    return bad(
      "blobs",
      `${digest} is damaged`,
      "`skep fsck --repair` moves it aside, so that its bytes can be stored again",
    );
  return note("blobs", `${digest} was damaged and is now ${moveAside(home, digest)}`, again(digest));
}

/** Reads every blob and compares it with its digest; with `repair` damaged ones go to `damaged/`. */
export async function checkBlobs({ home, step, repair }: BlobPatient): Promise<readonly Finding[]> {
  if (!existsSync(places.blobs(home))) {
    return [note("blobs", "none")];
  }
  const blobs: BlobStore = openBlobs(places.blobs(home), { toRead: true });
  const damaged: string[] = [];
  let count = 0;
  let bytes = 0;
  for await (const { digest, size } of blobs.list()) {
    if ((await blobs.check(digest)) === "damaged") damaged.push(digest);
    count += 1;
    bytes += size;
    step("Blobs", count, undefined);
  }
  if (damaged.length > 0) return damaged.map((digest) => damagedBlob(home, digest, repair));
  return [ok("blobs", `${counted(count, "blob")}, ${formatBytes(bytes)}`)];
}
