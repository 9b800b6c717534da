import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { faults } from "@skep/fault";
import { createSigner, printVkey, createVerifier, signNote } from "@skep/tlog";
import { replacePrivate, syncDirectory } from "../client/files.ts";
import { checkKeys, hiveKeys, homeKey, type HomeKey, oldKeys } from "./keys.ts";
import { addPending, pendingEvents } from "./pending.ts";

const fault = faults("key", {
  none: [
    "absent",
    "Cannot retire: no key of this kind was rotated away and still counts",
    { cure: "Rotate it first, and retire the old one when nothing needs it any more" },
  ],
});

/** The keys of a hive that can be replaced. */
export const keyKinds = ["identity", "ticket", "log"] as const;
export type KeyKind = (typeof keyKinds)[number];

/** What a rotation came to. */
export interface Rotation {
  readonly kind: KeyKind;
  /** Public keys, 64 hex digits. */
  readonly old: readonly string[];
  readonly now: string;
  readonly retired: boolean;
}

const places = (home: string, kind: KeyKind) => ({
  current: join(home, "keys", kind),
  next: join(home, "keys", `${kind}.next`),
  kept: (publicKey: string) => join(home, "keys", "retired", `${kind}-${publicKey}`),
  counts: (publicKey: string) => join(oldKeys(home), `${kind}-${publicKey}`),
});

/** The note that both keys sign: whoever knows the old key can believe the new one. */
function noteOf(home: string, kind: KeyKind, old: HomeKey, now: HomeKey): string {
  const { origin } = hiveKeys(home);
  const vkey = ({ publicKey }: HomeKey) => printVkey(createVerifier(origin, Buffer.from(publicKey, "hex")));
  const text = `skep key rotation v1\n${kind}\nold ${vkey(old)}\nnew ${vkey(now)}\n`;
  return signNote(text, [createSigner(origin, old.key), createSigner(origin, now.key)]);
}

/** Finishes or drops rotations that a crash left half done; before the keys are read, under the lock of the home. */
export function finishRotations(home: string): void {
  for (const kind of keyKinds) {
    const { current, next } = places(home, kind);
    if (!existsSync(next)) continue;
    const { publicKey } = homeKey(next);
    const told = pendingEvents(home).some(({ op, data }) => op === "key-rotated" && data.now === publicKey);
    if (told) renameSync(next, current);
    else rmSync(next);
    syncDirectory(join(home, "keys"));
  }
}

// Made again at the next start, with the new key.
function dropOwnTickets(home: string): void {
  const workers = join(home, "workers");
  const names = existsSync(workers) ? readdirSync(workers) : [];
  for (const name of names) rmSync(join(workers, name, "ticket"), { force: true });
  rmSync(join(home, "owner.ticket"), { force: true });
}

/**
 * Puts a new key in the place of one, under the lock of the home. The new one and a copy of the old are durable before
 * the new one is used; the next start names the change in the journal.
 */
export function rotateKey(home: string, kind: KeyKind): Rotation {
  finishRotations(home);
  checkKeys(home);
  const { current, next, kept, counts } = places(home, kind);
  const old = homeKey(current);
  replacePrivate(next, randomBytes(32));
  const now = homeKey(next);
  replacePrivate(kept(old.publicKey), readFileSync(current));
  replacePrivate(counts(old.publicKey), "");
  const data = { kind, old: old.publicKey, now: now.publicKey, retired: false };
  addPending(home, { op: "key-rotated", data: { ...data, note: noteOf(home, kind, old, now) } });
  renameSync(next, current);
  syncDirectory(join(home, "keys"));
  if (kind === "ticket") dropOwnTickets(home);
  return { kind, old: [old.publicKey], now: now.publicKey, retired: false };
}

/** From the next start on nothing counts that a replaced key of this kind signed. Throws `key.none`. */
export function retireKeys(home: string, kind: KeyKind): Rotation {
  finishRotations(home);
  checkKeys(home);
  const { current, counts } = places(home, kind);
  const names = existsSync(oldKeys(home)) ? readdirSync(oldKeys(home)) : [];
  const old = names.filter((name) => name.startsWith(`${kind}-`)).map((name) => name.slice(kind.length + 1));
  if (old.length === 0) throw fault.none(kind);
  const { publicKey: now } = homeKey(current);
  for (const key of old) {
    addPending(home, { op: "key-rotated", data: { kind, old: key, now, retired: true, note: "" } });
    rmSync(counts(key));
  }
  syncDirectory(oldKeys(home));
  return { kind, old, now, retired: true };
}
