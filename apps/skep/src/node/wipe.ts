import { readdirSync, rmSync } from "node:fs";
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

/** Says that the folder is to be wiped; done at the latest when something of this machine starts there. */
export function markWipe(folder: string, forget: boolean): void {
  replacePrivate(nodePlaces.leaving(folder), forget ? "forget\n" : "\n");
}

/** Files that the hive gave, with what is left of one that was being written. */
const given = /^(?:ticket|hive\.json|join-box|owner\.state\.json)(?:\.\w+)*$/;

/**
 * Takes away all that the hive gave: ticket, blobs, results, where it is; with `forget` the machine's own identity too. A mark
 * stands until it is done, so that a wipe which is cut short goes on at the next start.
 */
export function wipe(folder: string, forget: boolean): void {
  markWipe(folder, forget);
  for (const name of readdirSync(folder))
    if (given.test(name) && name !== "hive.json") rmSync(join(folder, name), { force: true });
  for (const name of nodePlaces.given) rmSync(join(folder, name), { recursive: true, force: true });
  // Last: while it stands, `skep worker` looks for the mark.
  rmSync(nodePlaces.hive(folder), { force: true });
  if (forget) rmSync(nodePlaces.identity(folder), { force: true });
  syncDirectory(folder);
  rmSync(nodePlaces.leaving(folder), { force: true });
  syncDirectory(folder);
}
