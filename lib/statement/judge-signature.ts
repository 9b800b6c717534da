import { type Fault, toFault } from "@skep/fault";
import {
  authorize,
  checkSecurityKey,
  parseSshsig,
  type Revocations,
  type SecurityKeyPolicy,
  type SecurityKeyUse,
  type SshKey,
  verifySshsig,
} from "@skep/sshsig";
import { fault } from "./faults.ts";
import type { Role } from "./fields.ts";
import type { Signers } from "./roles.ts";
import { statementNamespace } from "./statement.ts";

/** A signature that counts. */
export interface AcceptedSigner {
  /** Whose key it may be; more than one only where allowed_signers leaves it open, and they count as one. */
  readonly owners: readonly string[];
  /** `SHA256:…` of the plain key. */
  readonly fingerprint: string;
  /** Key id of the certificate, where one was used. */
  readonly certificate?: string;
  readonly securityKey?: SecurityKeyUse;
}

/** What a signature is held against. */
export interface SignatureContext {
  readonly signers: Signers;
  readonly revocations?: Revocations;
  /** Seconds since 1970 UTC. */
  readonly now: number;
  readonly securityKeys?: SecurityKeyPolicy;
}

function refuse<T>(work: () => T, as: (thrown: Fault) => Fault): T {
  try {
    return work();
  } catch (thrown) {
    const cause = toFault(thrown);
    throw cause.kind === "internal" ? cause : as(cause);
  }
}

const unauthorized: Record<string, (what: unknown, extra: { readonly cause: unknown }) => Fault> = {
  "sshsig.expired": fault.expired,
  "sshsig.not-yet-valid": fault["not-yet-valid"],
  "sshsig.key-namespace": fault["wrong-namespace"],
};

/** Everybody whose key this may be; the first telling reason where it is nobody's. */
function findOwners(key: SshKey, { signers, now }: SignatureContext): readonly string[] {
  const owners: string[] = [];
  let reason: Fault | undefined;
  for (const identity of signers.roles.keys())
    try {
      authorize(signers.allowed, key, { identity, namespace: statementNamespace, time: now });
      owners.push(identity);
    } catch (thrown) {
      const cause = toFault(thrown);
      if (cause.kind === "internal" || cause.kind === "invalid") throw cause;
      if (cause.code !== "sshsig.unknown-signer") reason ??= cause;
    }
  if (owners.length > 0) return owners;
  const make = unauthorized[reason?.code ?? ""] ?? fault["unknown-signer"];
  throw make(key.fingerprint, { cause: reason });
}

/**
 * Judges one signature over the statement's bytes. Throws, looked at in this order, `statement.malformed`,
 * `.wrong-namespace`, `.revoked`, `.unknown-signer` or `.expired` or `.not-yet-valid`, `.bad-signature`,
 * `.security-key`, `.wrong-role`.
 */
export function judgeSignature(
  signature: string | Uint8Array,
  text: Uint8Array,
  role: Role,
  context: SignatureContext,
): AcceptedSigner {
  const parsed = refuse(
    () => parseSshsig(signature),
    (cause) => fault.malformed(undefined, { cause }),
  );
  if (parsed.namespace !== statementNamespace) throw fault["wrong-namespace"](parsed.namespace);
  const { key } = parsed;
  const { fingerprint } = key;
  refuse(
    () => context.revocations?.check(key),
    (cause) => fault.revoked(fingerprint, { cause }),
  );
  // A stranger's signature is never verified: it would cost more to refuse than to send.
  const owners = findOwners(key, context).filter((owner) => context.signers.roles.get(owner)?.has(role));
  const proof = refuse(
    () => verifySshsig(parsed, text, statementNamespace),
    (cause) => fault["bad-signature"](fingerprint, { cause }),
  );
  refuse(
    () => checkSecurityKey(key, proof, context.securityKeys),
    (cause) => fault["security-key"](fingerprint, { cause }),
  );
  if (owners.length === 0) throw fault["wrong-role"](role);
  return {
    owners,
    fingerprint,
    ...(key.certificate && { certificate: key.certificate.keyId }),
    ...(proof.securityKey && { securityKey: proof.securityKey }),
  };
}
