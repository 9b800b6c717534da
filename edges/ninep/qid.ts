import type { Identity } from "@skep/kernel";
import { QT } from "@skep/ninep";

/** The type bits of a qid. */
export function typeOf({ kind, append }: Identity): number {
  if (kind === "dir") return QT.dir;
  return append ? QT.append : QT.file;
}
