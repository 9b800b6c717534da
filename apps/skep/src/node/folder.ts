import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { classes } from "@skep/invite";
import { z } from "zod";
import { privateFile } from "../hive/keys.ts";
import { replacePrivate } from "../client/files.ts";
import { fault } from "./faults.ts";

const Membership = z.strictObject({
  v: z.literal(1),
  hive: z.string(),
  /** Ed25519 key of the hive's identity, hex: nobody else is spoken to. */
  hiveKey: z.string().regex(/^[0-9a-f]{64}$/),
  addresses: z.array(z.string()),
  worker: z.string(),
  class: z.enum(classes),
  owner: z.string(),
  /** Milliseconds since 1970. */
  joined: z.int(),
  /** When the ticket ends by this machine's clock, and how long one lasts; absent where for ever. */
  expires: z.int().optional(),
  term: z.int().optional(),
});

/** Which hive a machine is of. */
export type Membership = z.infer<typeof Membership>;

/** Where things lie in a machine's folder. */
export const nodePlaces = {
  hive: (folder: string): string => join(folder, "hive.json"),
  ticket: (folder: string): string => join(folder, "ticket"),
  identity: (folder: string): string => join(folder, "identity"),
  /** The key that the hive seals the ticket for, until it was opened. */
  box: (folder: string): string => join(folder, "join-box"),
  /** Stands while the folder is being wiped, so that a wipe which was cut short is ended at the next start. */
  leaving: (folder: string): string => join(folder, "leaving"),
  /** Folders with what the hive gave, beside hive.json and ticket; `secrets` is the owner's. */
  given: ["cache", "spool", "telemetry"],
} as const;

/** Which hive a folder's machine is of; undefined when of none. Throws `node.damaged`. */
export function readMembership(folder: string): Membership | undefined {
  const path = nodePlaces.hive(folder);
  if (!existsSync(path)) return undefined;
  try {
    return Membership.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw fault.damaged(path, { cause });
  }
}

/** The same, where there must be one. Throws `node.stranger`, `node.damaged`. */
export function membershipOf(folder: string): Membership {
  const found = readMembership(folder);
  if (!found) throw fault.stranger(folder);
  return found;
}

/** Writes which hive a machine is of, whole or not at all; the ticket must lie there before. */
export function writeMembership(folder: string, membership: Membership): void {
  replacePrivate(nodePlaces.hive(folder), `${JSON.stringify(membership, null, 2)}\n`);
}

/** The secret of the box, made once for each joining. */
export function boxSecret(folder: string, make: () => Uint8Array): Uint8Array {
  return privateFile(nodePlaces.box(folder), make);
}
