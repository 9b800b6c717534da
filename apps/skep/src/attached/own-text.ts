import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { faults } from "@skep/fault";
import { hasCode } from "../client/files.ts";

const fault = faults("rules-file", {
  unread: ["invalid", "Cannot read the rules of this machine"],
  owner: [
    "denied",
    "Cannot use the rules of this machine: others than root and the agent's user may write them",
    { cure: "chown root FILE and its folder, chmod go-w" },
  ],
});

const mine = ({ uid, mode }: Stats, own: number): boolean =>
  (uid === 0 || uid === own) && (mode & 0o022) === 0;

/**
 * Text of a file of rules; undefined where there is none. Only root and the agent's own user may be able to write it, or
 * to put another in its place. Throws `rules-file.unread`, `rules-file.owner`.
 */
export function ownText(file: string, own: number): string | undefined {
  let opened: number;
  try {
    opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    throw fault.unread(`${file}: ${(cause as Error).message}`, { cause });
  }
  try {
    const told = fstatSync(opened);
    if (!told.isFile() || !mine(told, own)) throw fault.owner(file);
    const folder = dirname(file);
    if (!mine(lstatSync(folder), own)) throw fault.owner(folder);
    return readFileSync(opened, "utf8");
  } finally {
    closeSync(opened);
  }
}
