import { createHash } from "node:crypto";
import { canonical } from "@skep/canon";
import { fault } from "./faults.ts";
import { objectOf } from "./record.ts";

/** What a pack is about and which files it has. */
export interface Manifest {
  readonly schema: "skep-evidence/v1";
  readonly hive: string;
  /** Names the log. */
  readonly origin: string;
  /** C2SP verifier key of the log. */
  readonly key: string;
  /** Records of the slice: `to` is exclusive. */
  readonly from: number;
  readonly to: number;
  /** Size of the log and time of its newest record, milliseconds since 1970. */
  readonly size: number;
  readonly time: number;
  readonly policy: string;
  readonly program: string;
  /** Records and files that were withheld, by what looked like a secret in them. */
  readonly withheld: number;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** Names of what stands beside the files that the manifest lists. */
export const manifestName = "manifest.json";
export const sealName = "seal";
export const pageName = "evidence.html";

/** SHA-256, hex. */
export const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");

/** The text of a manifest; its SHA-256 is the data root of the pack. */
export function printManifest(manifest: Manifest): string {
  return `${canonical(manifest as never)}\n`;
}

/** Reads it back. Throws `evidence.manifest`, `.newer`. */
export function parseManifest(text: string): Manifest {
  let parsed: Manifest;
  try {
    parsed = JSON.parse(text) as Manifest;
  } catch (cause) {
    throw fault.manifest(undefined, { cause });
  }
  if (String(parsed.schema) !== "skep-evidence/v1") throw fault.newer(String(parsed.schema).slice(0, 64));
  if (!objectOf(parsed.files as never) || printManifest(parsed) !== text) throw fault.manifest();
  return parsed;
}

/** Name, size and digest of files. */
export function listFiles(files: ReadonlyMap<string, string>): Manifest["files"] {
  const listed = [...files].map(
    ([name, text]) => [name, { bytes: Buffer.byteLength(text), sha256: sha256(text) }] as const,
  );
  return Object.fromEntries(listed.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The text that the log's key signs: data root of the pack, and digest of its page without the data. */
export function sealText(origin: string, root: string, page: string): string {
  return `skep evidence v1\n${origin}\ndata sha256:${root}\npage sha256:${page}\n`;
}
