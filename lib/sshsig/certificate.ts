import { fault } from "./faults.ts";
import type { Certificate, SshKey } from "./ssh-key.ts";
import { Reader } from "./wire.ts";

const maxPrincipals = 256;

function readOptions(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const reader = new Reader(bytes, fault.certificate);
  const options = new Map<string, Uint8Array>();
  let last: string | undefined;
  while (reader.left > 0) {
    const name = reader.text();
    if (last !== undefined && Buffer.compare(Buffer.from(last), Buffer.from(name)) >= 0)
      throw fault.certificate("options out of order");
    options.set(name, reader.string());
    last = name;
  }
  return options;
}

function readPrincipals(bytes: Uint8Array): readonly string[] {
  const reader = new Reader(bytes, fault.certificate);
  const principals: string[] = [];
  while (reader.left > 0) {
    if (principals.length === maxPrincipals) throw fault.certificate(`over ${maxPrincipals} principals`);
    principals.push(reader.text());
  }
  return principals;
}

function readAuthority(bytes: Uint8Array, parse: (bytes: Uint8Array) => SshKey): SshKey {
  // Chains are not allowed, and looking first keeps a nest of certificates from being followed.
  if (new Reader(bytes, fault.certificate).text().includes("-cert-v01@"))
    throw fault.certificate("signed by a certificate");
  return parse(bytes);
}

function kindOf(type: number): "user" | "host" {
  if (type === 1) return "user";
  if (type === 2) return "host";
  throw fault.certificate(`kind ${type}`);
}

/** Reads what follows the plain key's fields, and verifies the authority's signature over `blob`. */
export function readCertificate(
  blob: Uint8Array,
  reader: Reader,
  parse: (bytes: Uint8Array) => SshKey,
): Certificate {
  const serial = reader.u64();
  const kind = kindOf(reader.u32());
  const keyId = reader.text();
  const principals = readPrincipals(reader.string());
  const validAfter = reader.u64();
  const validBefore = reader.u64();
  const critical = readOptions(reader.string());
  const extensions = readOptions(reader.string());
  reader.string(); // reserved
  const authority = readAuthority(reader.string(), parse);
  const signed = blob.subarray(0, reader.offset);
  const signature = reader.string();
  reader.end();
  try {
    authority.verify(signed, signature);
  } catch (cause) {
    throw fault.certificate("its authority's signature does not verify", { cause });
  }
  const validity = { validAfter, validBefore };
  return { blob, serial, kind, keyId, principals, ...validity, critical, extensions, authority };
}

/**
 * Whether a certificate lets its key sign as `identity` at `time` (seconds since 1970 UTC). Only `verify-required` is
 * known among the critical options, and it is the caller's to enforce; any other refuses. Throws `sshsig.certificate`,
 * `.principal`, `.expired` or `.not-yet-valid`.
 */
export function checkCertificate(certificate: Certificate, identity: string, time: number): void {
  if (certificate.kind !== "user") throw fault.certificate("not a user certificate");
  if (BigInt(time) < certificate.validAfter) throw fault["not-yet-valid"]("certificate");
  if (BigInt(time) >= certificate.validBefore) throw fault.expired("certificate");
  if (!certificate.principals.includes(identity)) throw fault.principal(identity);
  for (const name of certificate.critical.keys())
    if (name !== "verify-required") throw fault.certificate(`critical option ${name}`);
}
