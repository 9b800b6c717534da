import { createHash } from "node:crypto";
import type { Family } from "./family.ts";
import { fault } from "./faults.ts";
import { type Reader, string, u32 } from "./wire.ts";

/** What a security key says beside its signature; the signature covers all of it (PROTOCOL.u2f). */
export interface SecurityKeyUse {
  /** Somebody touched it. */
  readonly touched: boolean;
  /** It knew its user by PIN or biometry. */
  readonly verified: boolean;
  /** Grows with each signature; many keys always say 0. */
  readonly counter: number;
  /** What the key was enrolled for, `ssh:` unless chosen otherwise. */
  readonly application: string;
  /** The web page's origin where a browser signed. */
  readonly origin?: string;
}

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest();

/** A public key that lives in a security key: the plain key's fields, then what it was enrolled for. */
export function readSecurityKey(plainType: string, plain: Family): Family {
  return (reader) => {
    const { fields, check } = plain(reader);
    const application = reader.text();
    return {
      fields: Buffer.concat([fields, string(application)]),
      application,
      check: (_, data, signature) => check(plainType, data, signature),
    };
  };
}

/** What follows the inner signature of a security key. */
export interface SecurityKeyTail {
  readonly use: SecurityKeyUse;
  /** The bytes that the security key signed when it was asked to sign `data`. */
  readonly signed: (data: Uint8Array) => Buffer;
}

function useOf(flags: number, counter: number, application: string): SecurityKeyUse {
  return { touched: (flags & 1) !== 0, verified: (flags & 4) !== 0, counter, application };
}

function signedBy(application: string, flags: number, counter: number, rest: readonly Uint8Array[]): Buffer {
  return Buffer.concat([sha256(Buffer.from(application)), Buffer.of(flags), u32(counter), ...rest]);
}

/** Flags and counter, PROTOCOL.u2f "SSH U2F signatures". */
export function readTail(reader: Reader, application: string): SecurityKeyTail {
  const flags = reader.u8();
  const counter = reader.u32();
  return {
    use: useOf(flags, counter, application),
    signed: (data) => signedBy(application, flags, counter, [sha256(data)]),
  };
}

/**
 * As `readTail` for a signature that a browser made by WebAuthn (`webauthn-sk-ecdsa-sha2-nistp256@openssh.com`): the
 * client data must begin with our challenge and the origin that is told, in the order of WebAuthn section 5.8.1.1.
 */
export function readWebauthnTail(reader: Reader, application: string): SecurityKeyTail {
  const flags = reader.u8();
  const counter = reader.u32();
  const origin = reader.text();
  const clientData = reader.string();
  const extensions = reader.string();
  const attested = (flags & 0x40) !== 0;
  const extended = (flags & 0x80) !== 0;
  if (origin.includes('"') || attested || extended !== extensions.length > 0)
    throw fault.format("WebAuthn flags");
  return {
    use: { ...useOf(flags, counter, application), origin },
    signed: (data) => {
      const challenge = Buffer.from(data).toString("base64url");
      const due = `{"type":"webauthn.get","challenge":"${challenge}","origin":"${origin}"`;
      if (!clientData.subarray(0, Buffer.byteLength(due)).equals(Buffer.from(due))) throw fault.signature();
      return signedBy(application, flags, counter, [extensions, sha256(clientData)]);
    },
  };
}
