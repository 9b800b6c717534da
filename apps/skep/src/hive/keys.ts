import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import {
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  closeSync,
  fsyncSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { faults } from "@skep/fault";

const fault = faults("keys", {
  damaged: [
    "corrupt",
    "Cannot read a key file that does not hold 32 bytes",
    { cure: "Put the file back from a backup: `tar -xf BACKUP -C HOME keys/NAME`" },
  ],
  missing: ["corrupt", "Cannot use the keys of this home: one is missing"],
});

/** Reads a small private file, or makes it with these bytes: 0600, durable, and never two winners. */
export function privateFile(path: string, make: () => Uint8Array): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  const file = openSync(temporary, "wx", 0o600);
  try {
    // All of it, where one write may take a part.
    writeFileSync(file, make());
    fsyncSync(file);
    // A link fails where a rename would replace: whoever comes second takes the first one's.
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    closeSync(file);
    rmSync(temporary, { force: true });
  }
  return readFileSync(path);
}

const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** An Ed25519 key of a home. */
export interface HomeKey {
  readonly seed: Uint8Array;
  readonly key: KeyObject;
  /** 64 hex digits. */
  readonly publicKey: string;
}

/** The key in a file of 32 bytes, made when it is not there. Throws `keys.damaged`. */
export function homeKey(path: string): HomeKey {
  const seed = privateFile(path, () => randomBytes(32));
  if (seed.length !== 32) throw fault.damaged(path);
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: "der", type: "pkcs8" });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return { seed, key, publicKey: Buffer.from(x ?? "", "base64url").toString("hex") };
}

/** The keys that a hive has: who it is, what its tickets and its log are signed with. */
export interface HiveKeys {
  readonly identity: HomeKey;
  readonly ticket: HomeKey;
  readonly log: HomeKey;
  /** Derived from the first identity: stays when keys are rotated. */
  readonly hive: string;
  /** Names the log in its checkpoints; another one after each restore from a backup. */
  readonly origin: string;
  /** Public keys that were rotated away and still count, 64 hex digits each. */
  readonly old: { readonly ticket: readonly string[]; readonly log: readonly string[] };
}

/** Signs what the hive says to strangers. */
export function signsOf({ identity, hive }: Pick<HiveKeys, "identity" | "hive">) {
  return {
    key: identity.publicKey,
    hive,
    sign: (message: Uint8Array): string => sign(null, message, identity.key).toString("hex"),
  };
}

/** Where rotated keys' public halves are kept: `ticket-<64 hex digits>`, `log-…`, `identity-…`. */
export const oldKeys = (home: string): string => join(home, "keys", "old");

function oldOf(home: string, kind: string): readonly string[] {
  const names = existsSync(oldKeys(home)) ? readdirSync(oldKeys(home)).sort() : [];
  return names
    .filter((name) => new RegExp(`^${kind}-[0-9a-f]{64}$`).test(name))
    .map((name) => name.slice(-64));
}

/**
 * The chance of the intent that becomes a record: nobody without the home's secret can guess it, and a replay of the
 * journal comes to the same.
 */
export function chanceOf(home: string, origin: string): (seq: number, epoch: number) => string {
  const secret = privateFile(join(home, "keys", "chance"), () => randomBytes(32));
  if (secret.length !== 32) throw fault.damaged(join(home, "keys", "chance"));
  return (seq, epoch) => createHmac("sha256", secret).update(`${origin}\n${epoch}\n${seq}`).digest("hex");
}

const letters = "abcdefghijklmnopqrstuvwxyz234567";

/** Twelve letters and digits that stand for some bytes. */
export function shortName(bytes: Uint8Array): string {
  const digest = createHash("sha256").update(bytes).digest();
  return Array.from(digest.subarray(0, 12), (byte) => letters[byte & 31]).join("");
}

function originOf(home: string, hive: string): string {
  const path = join(home, "keys", "origin");
  return existsSync(path) ? readFileSync(path, "utf8").trim() : `skep.invalid/${hive}`;
}

// The name is made last: where it is, or a journal, the others were there.
const keyFiles = ["identity", "ticket", "log", "hive"] as const;

/** Whether a hive was ever started in a home. */
export function isBorn(home: string): boolean {
  if (existsSync(join(home, "keys", "hive"))) return true;
  const journal = join(home, "hive", "journal");
  return existsSync(journal) && readdirSync(journal).some((name) => name.endsWith(".seg"));
}

/** Keys that a home lost: paths below it. None are missing where no hive was ever started. */
export function missingKeys(home: string): readonly string[] {
  if (!isBorn(home)) return [];
  return keyFiles.map((name) => `keys/${name}`).filter((name) => !existsSync(join(home, name)));
}

/** How a lost key comes back; another one in its place would disown what the old one signed. */
export const missingKeyCure = (home: string, name: string): string =>
  `Put it back from a backup, which is a tar archive once it is decrypted: \`tar -xf BACKUP -C ${home} ${name}\``;

/** Throws `keys.missing` where a home that had keys lacks one. */
export function checkKeys(home: string): void {
  const [name] = missingKeys(home);
  if (name !== undefined) throw fault.missing(join(home, name), { cure: missingKeyCure(home, name) });
}

/** The keys of a home, made at its first start and never again. Throws `keys.missing`, `.damaged`. */
export function hiveKeys(home: string): HiveKeys {
  checkKeys(home);
  const identity = homeKey(join(home, "keys", "identity"));
  const ticket = homeKey(join(home, "keys", "ticket"));
  const log = homeKey(join(home, "keys", "log"));
  const name = privateFile(join(home, "keys", "hive"), () =>
    Buffer.from(`hive-${shortName(Buffer.from(identity.publicKey, "hex"))}`),
  );
  const hive = Buffer.from(name).toString().trim();
  return {
    identity,
    ticket,
    log,
    hive,
    origin: originOf(home, hive),
    old: { ticket: oldOf(home, "ticket"), log: oldOf(home, "log") },
  };
}
