import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { storeFault } from "@skep/kernel";

/** The path of a name below a directory; throws `store.name` for a name that could lead elsewhere. */
export function confine(dir: string, name: string): string {
  for (const part of name.split("/"))
    if (part === "" || part === "." || part === ".." || part.includes("\0")) throw storeFault.name(name);
  return join(dir, name);
}

/** Whether the operating system said this. */
export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}

/** An error of the operating system as a fault that names the file. */
export function asFault(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).syscall === undefined) return error;
  if (isErrno(error, "ENOENT")) return storeFault.absent(name, { cause: error });
  if (isErrno(error, "ENOSPC") || isErrno(error, "EDQUOT")) return storeFault.full(name, { cause: error });
  return storeFault.io(name, { cause: error });
}

/** Makes the names in a directory durable. */
export async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a directory (0700) and its parents where they are missing, durably. */
export async function makeDir(dir: string): Promise<void> {
  const first = await mkdir(dir, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let at = dir; at.length >= first.length; at = dirname(at)) await syncDir(dirname(at));
}
