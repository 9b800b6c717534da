import { createHash } from "node:crypto";
import { readCertificate } from "./certificate.ts";
import { type Family, type Material, readComposite, readEcdsa, readEd25519, readRsa } from "./family.ts";
import { fault } from "./faults.ts";
import { readSecurityKey, readTail, readWebauthnTail } from "./security-key.ts";
import type { SignatureProof, SshKey } from "./ssh-key.ts";
import { decodeBase64, Reader, string } from "./wire.ts";

const certified = "-cert-v01@openssh.com";
const skEd25519 = "sk-ssh-ed25519@openssh.com";
const skEcdsa = "sk-ecdsa-sha2-nistp256@openssh.com";

const families = new Map<string, Family>([
  ["ssh-ed25519", readEd25519],
  ["ecdsa-sha2-nistp256", readEcdsa("nistp256")],
  ["ecdsa-sha2-nistp384", readEcdsa("nistp384")],
  ["ecdsa-sha2-nistp521", readEcdsa("nistp521")],
  ["ssh-rsa", readRsa],
  [skEd25519, readSecurityKey("ssh-ed25519", readEd25519)],
  [skEcdsa, readSecurityKey("ecdsa-sha2-nistp256", readEcdsa("nistp256"))],
  ["ssh-mldsa44-ed25519@openssh.com", readComposite],
]);

/** `sk-ssh-ed25519-cert-v01@openssh.com` certifies `sk-ssh-ed25519@openssh.com`. */
function plainType(type: string): string {
  const bare = type.slice(0, -certified.length);
  return families.has(bare) ? bare : `${bare}@openssh.com`;
}

function verifyBySecurityKey(
  { check }: Material,
  { type, application }: { readonly type: string; readonly application: string },
  data: Uint8Array,
  blob: Uint8Array,
): SignatureProof {
  const reader = new Reader(blob, fault.format);
  const algorithm = reader.text();
  const signature = reader.string();
  const webauthn = type === skEcdsa && algorithm === `webauthn-${skEcdsa}`;
  if (algorithm !== type && !webauthn) throw fault.algorithm(algorithm);
  const tail = (webauthn ? readWebauthnTail : readTail)(reader, application);
  reader.end();
  if (!check(algorithm, tail.signed(data), signature)) throw fault.signature();
  return { algorithm, securityKey: tail.use };
}

function verifyPlain({ check }: Material, data: Uint8Array, blob: Uint8Array): SignatureProof {
  const reader = new Reader(blob, fault.format);
  const algorithm = reader.text();
  const signature = reader.string();
  reader.end();
  if (!check(algorithm, data, signature)) throw fault.signature();
  return { algorithm };
}

/** SHA-256 of a key, as ssh-keygen prints it. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function makeKey(type: string, material: Material): SshKey {
  const blob = Buffer.concat([string(type), material.fields]);
  const { application } = material;
  const plain = { type, blob, fingerprint: fingerprintOf(blob) };
  if (application === undefined)
    return { ...plain, verify: (data, signature) => verifyPlain(material, data, signature) };
  const verify: SshKey["verify"] = (data, signature) =>
    verifyBySecurityKey(material, { type, application }, data, signature);
  return { ...plain, application, verify };
}

function familyOf(type: string): Family {
  const family = families.get(type);
  if (!family) throw fault["key-type"](type);
  return family;
}

/**
 * Reads a public key or a certificate from its wire form; a certificate's own signature is verified here, its window
 * and names are not. Throws `sshsig.key`, `.key-type` or `.certificate`.
 */
export function parseKey(bytes: Uint8Array): SshKey {
  const reader = new Reader(bytes, fault.key);
  const type = reader.text();
  if (!type.endsWith(certified)) {
    const key = makeKey(type, familyOf(type)(reader));
    reader.end();
    return key;
  }
  const plain = plainType(type);
  const family = familyOf(plain);
  reader.string(); // a nonce of the authority, there against hash collisions
  const key = makeKey(plain, family(reader));
  return { ...key, certificate: readCertificate(bytes, reader, parseKey) };
}

/** Reads a line of an `id_x.pub` file, `TYPE BASE64 [COMMENT]`. Throws as `parseKey`. */
export function parseKeyLine(line: string): SshKey {
  const [type = "", base64 = ""] = line.trim().split(/[ \t]+/);
  const bytes = decodeBase64(base64);
  if (!bytes) throw fault.key(type);
  if (new Reader(bytes, fault.key).text() !== type) throw fault.key(`not of type ${type}`);
  return parseKey(bytes);
}

/** Prints a key as an `id_x.pub` line has it, without a newline. */
export function printKey(key: SshKey): string {
  const blob = Buffer.from(key.certificate?.blob ?? key.blob);
  return `${new Reader(blob, fault.key).text()} ${blob.toString("base64")}`;
}

/** Whether two are the same plain key. */
export function sameKey(a: SshKey, b: SshKey): boolean {
  return Buffer.compare(a.blob, b.blob) === 0;
}
