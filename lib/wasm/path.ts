import { errno, Refusal } from "./guest.ts";

const longestName = 255;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Where a path leads from the only directory: to that itself, or to a name in it. */
export interface Place {
  /** Empty for the directory itself. */
  readonly name: string;
  /** Whether it ends with a slash, and so names a directory. */
  readonly directory: boolean;
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Refusal(errno.ilseq);
  }
}

/**
 * Reads a path below the only directory, in which there are files alone: `has` tells whether one is there. A path that leaves the
 * directory is ENOTCAPABLE, one through a name that is no directory ENOTDIR or ENOENT.
 */
export function placeOf(bytes: Uint8Array, has: (name: string) => boolean): Place {
  const path = textOf(bytes);
  if (path === "") throw new Refusal(errno.noent);
  if (path.includes("\0")) throw new Refusal(errno.inval);
  if (path.startsWith("/")) throw new Refusal(errno.notcapable);
  const parts = path.split("/");
  const directory = parts.at(-1) === "" || parts.at(-1) === ".";
  const names = parts.filter((part) => part !== "" && part !== ".");
  const [first = "", ...rest] = names;
  if (first === "..") throw new Refusal(errno.notcapable);
  if (new TextEncoder().encode(first).length > longestName) throw new Refusal(errno.nametoolong);
  if (rest.length > 0) throw new Refusal(has(first) ? errno.notdir : errno.noent);
  return { name: first, directory };
}
