import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { join } from "node:path";
import { faults } from "@skep/fault";
import { readText, replacePrivate } from "../client/files.ts";
import { type Identity, makeAuthority, makeCertificate } from "./x509.ts";

const fault = faults("tls", {
  missing: [
    "invalid",
    "Cannot serve TLS: there is no file",
    { cure: "Set http.tls_cert and http.tls_key, or http.tls to `own`" },
  ],
  mismatch: ["invalid", "Cannot serve TLS: the key is not that of the certificate"],
});

const month = 30 * 86_400_000;

function given(path: string): string {
  const text = path === "" ? undefined : readText(path);
  if (text === undefined) throw fault.missing(path);
  return text;
}

/** The certificate and key of two files. Throws `tls.missing` and `tls.mismatch`. */
export function givenIdentity(cert: string, key: string): Identity {
  const found = { cert: given(cert), key: given(key) };
  if (!new X509Certificate(found.cert).checkPrivateKey(createPrivateKey(found.key)))
    throw fault.mismatch(cert);
  return found;
}

function stored(dir: string, name: string): Identity | undefined {
  const [cert, key] = [readText(join(dir, `${name}.pem`)), readText(join(dir, `${name}.key`))];
  return cert !== undefined && key !== undefined ? { cert, key } : undefined;
}

function store(dir: string, name: string, made: Identity): Identity {
  replacePrivate(join(dir, `${name}.key`), made.key);
  replacePrivate(join(dir, `${name}.pem`), made.cert);
  return made;
}

/** Where the certificate of the home's own authority is, for whoever is to trust it. */
export const authorityFile = (home: string): string => join(home, "tls", "ca.pem");

function isGood({ cert }: Identity, names: readonly string[], now: number): boolean {
  const found = new X509Certificate(cert);
  return (
    Date.parse(found.validTo) > now + month &&
    names.every((name) => (isIP(name) ? found.checkIP(name) : found.checkHost(name)) !== undefined)
  );
}

/** A certificate of the home's own authority for these names; both are made where they are missing or end soon. */
export function ownIdentity(home: string, hive: string, names: readonly string[], now: number): Identity {
  const dir = join(home, "tls");
  const name = `Skep ${hive}`;
  const authority = stored(dir, "ca") ?? store(dir, "ca", makeAuthority(name, now));
  const known = stored(dir, "host");
  const all = [...new Set(["localhost", "127.0.0.1", ...names])];
  if (known && isGood(known, all, now)) return known;
  const key = createPrivateKey(authority.key);
  const made = makeCertificate({ name, key, publicKey: createPublicKey(key) }, all, now);
  return store(dir, "host", { cert: `${made.cert}${authority.cert}`, key: made.key });
}
