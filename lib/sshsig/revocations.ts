import { createHash } from "node:crypto";
import { textOf } from "./allowed-signers.ts";
import { fault } from "./faults.ts";
import { parseKeyLine, sameKey } from "./key.ts";
import { isKrl, type Krl, parseKrl, revokesCertificate } from "./krl.ts";
import type { SshKey } from "./ssh-key.ts";

/** Keys and certificates that count no longer. */
export interface Revocations {
  /** Throws `sshsig.revoked` for a key that is listed, for a listed certificate, and for one of a listed authority. */
  check(key: SshKey): void;
  /** The header of a binary list. */
  readonly header?: Pick<Krl, "version" | "generated" | "comment">;
}

function hashOf(name: "sha1" | "sha256", blob: Uint8Array): string {
  return createHash(name).update(blob).digest("base64");
}

function listsKey(krl: Krl, { blob }: SshKey): boolean {
  if (krl.keys.has(Buffer.from(blob).toString("base64"))) return true;
  return krl.sha1.has(hashOf("sha1", blob)) || krl.sha256.has(hashOf("sha256", blob));
}

function listsCertificate(krl: Krl, { certificate }: SshKey): boolean {
  if (!certificate) return false;
  if (listsKey(krl, certificate.authority)) return true;
  return krl.certificates.some(
    (section) =>
      (section.authority === undefined ||
        Buffer.compare(section.authority, certificate.authority.blob) === 0) &&
      revokesCertificate(section, certificate),
  );
}

function fromKrl(krl: Krl): Revocations {
  const { version, generated, comment } = krl;
  return {
    header: { version, generated, comment },
    check: (key) => {
      if (listsKey(krl, key) || listsCertificate(krl, key)) throw fault.revoked(key.fingerprint);
    },
  };
}

function fromLines(text: string): Revocations {
  const keys: SshKey[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    try {
      keys.push(parseKeyLine(trimmed));
    } catch (cause) {
      throw fault.revocations(`line ${at + 1}`, { cause });
    }
  }
  return {
    check: (key) => {
      const authority = key.certificate?.authority;
      if (keys.some((one) => sameKey(one, key) || (authority && sameKey(one, authority))))
        throw fault.revoked(key.fingerprint);
    },
  };
}

/**
 * Reads a binary KRL, or a text of public keys, one per line. What cannot be read refuses the whole list, because a
 * line that is passed over would let a revoked key sign. Throws `sshsig.revocations`, `.key` or `.oversize`.
 */
export function parseRevocations(source: string | Uint8Array): Revocations {
  if (typeof source !== "string" && isKrl(source)) return fromKrl(parseKrl(source));
  return fromLines(textOf(source, fault.revocations));
}
