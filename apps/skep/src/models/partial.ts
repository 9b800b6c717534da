import { createHash } from "node:crypto";
import { createReadStream, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { syncDirectory } from "../client/files.ts";
import { fault } from "./faults.ts";

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest("hex");
}

/**
 * A file of a known digest: `more` appends to `PATH.part` from a byte on, and it becomes the file when it is what was asked for.
 * Gives the bytes that came. Throws `model.changed`, after which it begins anew.
 */
export async function checkedFile(
  path: string,
  { bytes, digest }: { readonly bytes: number; readonly digest: string },
  more: (part: string, from: number) => Promise<void>,
): Promise<number> {
  if (existsSync(path) && statSync(path).size === bytes && (await digestOf(path)) === digest) return 0;
  const part = `${path}.part`;
  let from = existsSync(part) ? statSync(part).size : 0;
  if (from > bytes) {
    rmSync(part);
    from = 0;
  }
  await more(part, from);
  if ((await digestOf(part)) !== digest) {
    rmSync(part);
    throw fault.changed(path);
  }
  renameSync(part, path);
  syncDirectory(dirname(path));
  return bytes - from;
}
