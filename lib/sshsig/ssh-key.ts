import type { SecurityKeyUse } from "./security-key.ts";

/** What a signature that holds says of itself. */
export interface SignatureProof {
  /** As `rsa-sha2-512`. */
  readonly algorithm: string;
  /** Only of security keys. */
  readonly securityKey?: SecurityKeyUse;
}

/** A public SSH key, with its certificate where it came in one. */
export interface SshKey {
  /** Of the plain key, as `ssh-ed25519`. */
  readonly type: string;
  /** The plain key in its one canonical spelling: what is compared and hashed. */
  readonly blob: Uint8Array;
  /** As ssh-keygen prints it, `SHA256:` and base64 without padding. */
  readonly fingerprint: string;
  /** Only of security keys: what the key was enrolled for. */
  readonly application?: string;
  readonly certificate?: Certificate;
  /** Verifies an SSH signature blob over `data`; throws `sshsig.signature`, `.algorithm` or `.weak-key`. */
  readonly verify: (data: Uint8Array, signature: Uint8Array) => SignatureProof;
}

/** An OpenSSH certificate, PROTOCOL.certkeys; its authority's signature holds. */
export interface Certificate {
  /** All of it, as it came. */
  readonly blob: Uint8Array;
  readonly serial: bigint;
  readonly kind: "user" | "host";
  /** What the authority calls it in logs. */
  readonly keyId: string;
  /** Whom it names; none means anybody to OpenSSH, and nobody here. */
  readonly principals: readonly string[];
  /** Seconds since 1970 UTC, from then on. */
  readonly validAfter: bigint;
  /** Seconds since 1970 UTC, no longer from then on. */
  readonly validBefore: bigint;
  readonly critical: ReadonlyMap<string, Uint8Array>;
  readonly extensions: ReadonlyMap<string, Uint8Array>;
  readonly authority: SshKey;
}
