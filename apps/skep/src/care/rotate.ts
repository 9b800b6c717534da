import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { faults } from "@skep/fault";
import { makeOwnerTicket, ownerTicketFile } from "../access/tickets.ts";
import { replacePrivate } from "../client/files.ts";
import { hiveKeys, homeKey, oldKeys } from "../hive/keys.ts";
import { addPending } from "../hive/pending.ts";

const fault = faults("key", {
  none: ["conflict", "Cannot retire keys: none was rotated away", { cure: "Rotate first, without --retire" }],
});

/** The keys of a hive that can be rotated. */
export const keyKinds = ["identity", "ticket", "log"] as const;

/** One of them. */
export type KeyKind = (typeof keyKinds)[number];

/** What a rotation changed; public keys in hex. */
export interface Rotation {
  readonly kind: KeyKind;
  readonly old: string;
  readonly now: string;
}

// Tickets that the hive mints for itself; the next start makes those of its workers.
async function mintAgain(home: string, now: number): Promise<void> {
  rmSync(ownerTicketFile(home), { force: true });
  await makeOwnerTicket(home, now);
  const workers = join(home, "workers");
  for (const name of existsSync(workers) ? readdirSync(workers) : [])
    rmSync(join(workers, name, "ticket"), { force: true });
}

/**
 * Makes a new key in place of the present one, whose public half is kept and named in the journal by the next start.
 * The caller holds the lock of the home.
 */
export async function rotateKey(home: string, kind: KeyKind, now: number): Promise<Rotation> {
  const old = hiveKeys(home)[kind].publicKey;
  const path = join(home, "keys", kind);
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  const made = homeKey(draft);
  replacePrivate(join(oldKeys(home), `${kind}-${old}`), `${new Date(now).toISOString()}\n`);
  addPending(home, { op: "key-rotated", data: { kind, old, now: made.publicKey, retired: false } });
  replacePrivate(path, made.seed);
  rmSync(draft);
  if (kind === "ticket") await mintAgain(home, now);
  return { kind, old, now: made.publicKey };
}

/** Ends the tickets of every ticket key that was rotated away; gives those keys. Throws `key.none`. */
export function retireTicketKeys(home: string): readonly string[] {
  const keys = hiveKeys(home);
  const { ticket } = keys.old;
  if (ticket.length === 0) throw fault.none();
  for (const old of ticket) {
    addPending(home, {
      op: "key-rotated",
      data: { kind: "ticket", old, now: keys.ticket.publicKey, retired: true },
    });
    rmSync(join(oldKeys(home), `ticket-${old}`));
  }
  return ticket;
}
