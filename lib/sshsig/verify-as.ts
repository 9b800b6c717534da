import { type AllowedSigners, authorize } from "./allowed-signers.ts";
import { fault } from "./faults.ts";
import type { Revocations } from "./revocations.ts";
import type { SignerLine } from "./signer-line.ts";
import type { SignatureProof, SshKey } from "./ssh-key.ts";
import { parseSshsig, type Sshsig, verifySshsig } from "./sshsig.ts";

/** What is asked of security keys; keys of other types are not touched by it. */
export interface SecurityKeyPolicy {
  /** Somebody must have touched the key: default true, the rule of sshd. */
  readonly touch?: boolean;
  /** The key must have verified its user by PIN or biometry: default false. */
  readonly verification?: boolean;
  /** What the key must have been enrolled for, as `ssh:`: default anything. */
  readonly applications?: readonly string[];
}

/** What a signature must stand against. */
export interface Expectation {
  readonly identity: string;
  readonly namespace: string;
  readonly signers: AllowedSigners;
  readonly revocations?: Revocations;
  /** Seconds since 1970 UTC. */
  readonly time: number;
  readonly securityKeys?: SecurityKeyPolicy;
}

/** A signature that was accepted, and why. */
export interface AcceptedSignature {
  readonly key: SshKey;
  readonly line: SignerLine;
  readonly proof: SignatureProof;
}

/**
 * Asks what the policy and the certificate (`verify-required`) ask of a security key. Throws `sshsig.touch`,
 * `.user-verification`, `.application` or `.certificate`.
 */
export function checkSecurityKey(key: SshKey, proof: SignatureProof, policy: SecurityKeyPolicy = {}): void {
  const required = key.certificate?.critical.has("verify-required") ?? false;
  if (!proof.securityKey) {
    if (required) throw fault.certificate("verify-required on a key that cannot verify");
    return;
  }
  const { application } = proof.securityKey;
  if (policy.applications && !policy.applications.includes(application)) throw fault.application(application);
  if ((policy.touch ?? true) && !proof.securityKey.touched) throw fault.touch(key.fingerprint);
  if ((required || policy.verification) && !proof.securityKey.verified)
    throw fault["user-verification"](key.fingerprint);
}

/**
 * As `ssh-keygen -Y verify`: namespace and signature, then revocation, then the allowed signers; and the policy for
 * security keys after that. Throws the first fault of `parseSshsig`, `verifySshsig`, `Revocations.check`, `authorize`
 * and `checkSecurityKey`.
 */
export function verifyAs(
  signature: string | Uint8Array | Sshsig,
  message: Uint8Array,
  expected: Expectation,
): AcceptedSignature {
  const parsed =
    typeof signature === "string" || signature instanceof Uint8Array ? parseSshsig(signature) : signature;
  const { key } = parsed;
  const proof = verifySshsig(parsed, message, expected.namespace);
  expected.revocations?.check(key);
  const line = authorize(expected.signers, key, expected);
  checkSecurityKey(key, proof, expected.securityKeys);
  return { key, line, proof };
}
