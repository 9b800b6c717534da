import { rmSync } from "node:fs";
import { join } from "node:path";
import { readText, replacePrivate, syncDirectory } from "../client/files.ts";
import { nodePlaces } from "./folder.ts";

/** Ends a wipe that was cut short. True when there was one. */
export function finishWipe(folder: string): boolean {
  const mark = readText(nodePlaces.leaving(folder));
  if (mark === undefined) return false;
  wipe(folder, mark.trim() === "forget");
  return true;
}

/**
 * Takes away all that the hive gave: ticket, blobs, results, where it is; with `forget` the machine's own identity too. A mark
 * stands until it is done, so that a wipe which is cut short goes on at the next start.
 */
export function wipe(folder: string, forget: boolean): void {
  const mark = nodePlaces.leaving(folder);
  replacePrivate(mark, forget ? "forget\n" : "\n");
  for (const path of [nodePlaces.ticket(folder), nodePlaces.hive(folder), nodePlaces.box(folder)])
    rmSync(path, { force: true });
  for (const name of nodePlaces.given) rmSync(join(folder, name), { recursive: true, force: true });
  if (forget) rmSync(nodePlaces.identity(folder), { force: true });
  syncDirectory(folder);
  rmSync(mark, { force: true });
  syncDirectory(folder);
}
