import { readFileSync } from "node:fs";
import { Decrypter, Encrypter } from "age-encryption";
import { faults } from "@skep/fault";
import { readSecret } from "../config/mod.ts";

const fault = faults("backup-key", {
  recipient: ["invalid", "Cannot encrypt to this recipient", { cure: "Give an age recipient: age1…" }],
  both: ["invalid", "Cannot encrypt to recipients and with a passphrase in one file"],
  identity: ["invalid", "Cannot read age identity", { cure: "Give a file with AGE-SECRET-KEY-…" }],
  needed: [
    "unauthenticated",
    "Cannot read backup: it is encrypted",
    { cure: "Give --identity FILE or --passphrase-file FILE" },
  ],
  wrong: ["unauthenticated", "Cannot read backup: this key does not open it"],
});

/** How a backup is encrypted; not at all without recipients and passphrase. */
export interface Seal {
  readonly recipients: readonly string[];
  readonly passphraseFile: string | undefined;
}

/** With what an encrypted backup is opened. */
export interface Opener {
  readonly identityFile: string | undefined;
  readonly passphraseFile: string | undefined;
}

type Bytes = AsyncIterable<Uint8Array>;

/** The first bytes of every file in the age format, version 1. */
const magic = "age-encryption.org/v1";

/** The bytes as they are to be written: in the age format (age-encryption.org/v1) where that is asked for. */
export async function sealed(bytes: Bytes, { recipients, passphraseFile }: Seal): Promise<Bytes> {
  if (recipients.length === 0 && passphraseFile === undefined) return bytes;
  if (recipients.length > 0 && passphraseFile !== undefined) throw fault.both();
  const encrypter = new Encrypter();
  for (const recipient of recipients)
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw fault.recipient(recipient, { cause });
    }
  if (passphraseFile !== undefined) encrypter.setPassphrase(readSecret(passphraseFile).reveal());
  return await encrypter.encrypt(ReadableStream.from(bytes) as ReadableStream<Uint8Array>);
}

function decrypterOf({ identityFile, passphraseFile }: Opener): Decrypter {
  const decrypter = new Decrypter();
  if (identityFile !== undefined) {
    const found = readFileSync(identityFile, "utf8").match(/^AGE-SECRET-KEY-\S+$/gm) ?? [];
    if (found.length === 0) throw fault.identity(identityFile);
    for (const identity of found) decrypter.addIdentity(identity);
  } else if (passphraseFile !== undefined) decrypter.addPassphrase(readSecret(passphraseFile).reveal());
  else throw fault.needed();
  return decrypter;
}

/** The bytes of a backup, decrypted where they are encrypted. Throws `backup-key.*`. */
export async function opened(bytes: Bytes, opener: Opener): Promise<Bytes> {
  const pieces = bytes[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < magic.length) {
    const next = await pieces.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield head;
    yield* { [Symbol.asyncIterator]: () => pieces };
  }
  if (head.toString("latin1", 0, magic.length) !== magic) return all();
  const decrypter = decrypterOf(opener);
  try {
    return await decrypter.decrypt(ReadableStream.from(all()) as ReadableStream<Uint8Array>);
  } catch (cause) {
    throw fault.wrong(undefined, { cause });
  }
}
