import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Context, parseDuration } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { type Budgets, createRoot, mint, type Right, type Role, type Roots } from "@skep/ticket";
import { hasCode, replacePrivate } from "../client/files.ts";
import { hiveKeys } from "../hive/keys.ts";
import { rightsFor } from "./grants.ts";

const fault = faults("ticket-file", {
  absent: [
    "absent",
    "Cannot read ticket: no such file",
    { cure: "Look at the name; `skep ticket mint` makes tickets" },
  ],
  empty: [
    "invalid",
    "Cannot read ticket: there is nothing",
    { cure: "Give its file, or the ticket on stdin" },
  ],
  expires: ["invalid", "Cannot read --expires", { cure: "Write a duration as in 8h or 30d, or never" }],
});

/** What a minted ticket says. */
export interface Minting {
  readonly role: Role;
  readonly subject: string;
  readonly rights?: readonly Right[];
  /** Milliseconds since 1970; never where it is left out. */
  readonly expiresAt?: number | undefined;
  readonly budgets?: Budgets | undefined;
}

/** Mints a ticket with the key of a home; needs no daemon. Throws `ticket.claims`. */
export function mintTicket(home: string, now: number, asked: Minting): Promise<string> {
  const { ticket, hive } = hiveKeys(home);
  const { role, subject, rights = rightsFor(role, subject), expiresAt, budgets } = asked;
  return mint(createRoot(ticket.key), {
    role,
    subject,
    hive,
    rights: [...rights],
    issuedAt: now,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(budgets === undefined ? {} : { budgets }),
  });
}

/** Subject of whoever owns the home. */
export const ownerSubject = "owner";

/** Where the owner's ticket is in a home. */
export const ownerTicketFile = (home: string): string => join(home, "owner.ticket");

/** Makes the owner's ticket (0600) where there is none; true when it did. */
export async function makeOwnerTicket(home: string, now: number): Promise<boolean> {
  const path = ownerTicketFile(home);
  if (existsSync(path)) return false;
  replacePrivate(path, `${await mintTicket(home, now, { role: "queen", subject: ownerSubject })}\n`);
  return true;
}

/** The public keys with which tickets of a home are opened. */
export function rootsOf(home: string): Roots {
  const { ticket, old } = hiveKeys(home);
  return { rootPublicKeys: [ticket.publicKey, ...old.ticket] };
}

/** When `8h` from now is; undefined for `never`. Throws `ticket-file.expires`. */
export function expiryOf(text: string, now: number): number | undefined {
  if (text === "never") return undefined;
  const read = parseDuration(text);
  if (!read.ok || read.value <= 0) throw fault.expires(text);
  return now + read.value;
}

/** The budgets of `--ops` and `--bytes`. */
export function budgetsOf(ops: number | undefined, bytes: number | undefined): Budgets | undefined {
  if (ops === undefined && bytes === undefined) return undefined;
  return { ...(ops === undefined ? {} : { ops }), ...(bytes === undefined ? {} : { bytes }) };
}

async function readStdin({ io, signal }: Context): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of io.stdin.chunks()) {
    signal.throwIfAborted();
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** A ticket from a file, or with `-` from stdin; never from argv, which everyone on the machine can read. */
export async function readTicket(context: Context, file: string): Promise<string> {
  try {
    const text = (file === "-" ? await readStdin(context) : await readFile(file, "utf8")).trim();
    if (text === "") throw fault.empty();
    return text;
  } catch (error) {
    throw hasCode(error, "ENOENT") ? fault.absent(file) : error;
  }
}
