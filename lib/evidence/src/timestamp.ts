import { createHash, verify, X509Certificate } from "node:crypto";
import { toFault } from "@skep/fault";
import { bodyOf, type Der, elements, encode, inside, integer, oid, oidOf, single, tags } from "./der.ts";
import { fault } from "./faults.ts";

const sha256Oid = "2.16.840.1.101.3.4.2.1";
const hashes: Readonly<Record<string, string>> = {
  [sha256Oid]: "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};
const oids = {
  signedData: "1.2.840.113549.1.7.2",
  timestamp: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  certificateV1: "1.2.840.113549.1.9.16.2.12",
  certificateV2: "1.2.840.113549.1.9.16.2.47",
} as const;
/** What a certificate must say that it is for: RFC 3161 section 2.3. */
const timeStamping = "1.3.6.1.5.5.7.3.8";
const context = (n: number): number => 0xa0 | n;
const mostIssuers = 6;

/** What an authority says about a digest. */
export interface Timestamp {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly serial: string;
  /** Subject of the certificate that signed, on one line. */
  readonly authority: string;
  /** Whether that certificate leads to one of the roots. */
  readonly trusted: boolean;
}

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

/** A request for a timestamp over a SHA-256 digest, RFC 3161 section 2.4.1; `nonce` is eight bytes of chance. */
export function timestampQuery(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  const algorithm = encode(tags.sequence, oid(sha256Oid), Buffer.from([5, 0]));
  const imprint = encode(tags.sequence, algorithm, encode(tags.octets, digest));
  return encode(tags.sequence, integer(Buffer.from([1])), imprint, integer(nonce), Buffer.from([1, 1, 0xff]));
}

interface Token {
  readonly info: Buffer;
  readonly certificates: readonly X509Certificate[];
  readonly signer: readonly Der[];
}

function tokenOf(response: Buffer): Token {
  const [status, content] = inside(single(response, tags.sequence), tags.sequence);
  const granted = bodyOf(inside(status, tags.sequence)[0], tags.integer).at(-1) ?? 2;
  if (granted > 1 || !content) throw fault.timestamp(`the authority refused with ${granted}`);
  const [type, wrapped] = inside(content, tags.sequence);
  if (oidOf(type) !== oids.signedData) throw fault.timestamp("it is not signed data");
  const [signed] = inside(wrapped, context(0));
  const parts = inside(signed, tags.sequence);
  const [contentType, octets] = inside(parts[2], tags.sequence);
  if (oidOf(contentType) !== oids.timestamp) throw fault.timestamp("it is no timestamp");
  const [info] = inside(octets, context(0));
  const certificates = elements(parts.find(({ tag }) => tag === context(0))?.body ?? Buffer.alloc(0));
  const signers = inside(parts.at(-1), tags.set);
  if (signers.length !== 1) throw fault.timestamp(`${signers.length} signers`);
  return {
    info: bodyOf(info, tags.octets),
    certificates: certificates.map(({ whole }) => new X509Certificate(whole)),
    signer: inside(signers[0], tags.sequence),
  };
}

/** The only value of a signed attribute. */
function attribute(attributes: readonly Der[], ...names: readonly string[]): Der | undefined {
  for (const each of attributes) {
    const [name, values] = inside(each, tags.sequence);
    if (names.includes(oidOf(name))) return inside(values, tags.set)[0];
  }
  return undefined;
}

/** The certificate that the signer names by its digest (RFC 5816). */
function certificateOf(attributes: readonly Der[], { certificates }: Token): X509Certificate {
  const second = attribute(attributes, oids.certificateV2);
  const named = second ?? attribute(attributes, oids.certificateV1);
  const [list] = inside(named, tags.sequence);
  const [id] = inside(list, tags.sequence);
  const [head, other] = inside(id, tags.sequence);
  const hash = second
    ? hashOf(head?.tag === tags.sequence ? inside(head, tags.sequence)[0] : undefined)
    : "sha1";
  const digest = bodyOf(head?.tag === tags.octets ? head : other, tags.octets);
  const found = certificates.find(({ raw }) => sameBytes(createHash(hash).update(raw).digest(), digest));
  if (!found) throw fault.timestamp("its certificate is not with it");
  return found;
}

function hashOf(algorithm: Der | undefined): string {
  if (algorithm === undefined) return "sha256";
  const hash = hashes[oidOf(algorithm)];
  if (!hash) throw fault.timestamp(`a hash that is not taken: ${oidOf(algorithm)}`);
  return hash;
}

function checkSignature(token: Token): X509Certificate {
  const { info, signer } = token;
  const hash = hashOf(inside(signer[2], tags.sequence)[0]);
  const signedAttributes = signer[3];
  const attributes = inside(signedAttributes, context(0));
  const digest = bodyOf(attribute(attributes, oids.messageDigest), tags.octets);
  if (!sameBytes(digest, createHash(hash).update(info).digest()))
    throw fault.timestamp("its contents are not what was signed");
  if (oidOf(attribute(attributes, oids.contentType)) !== oids.timestamp)
    throw fault.timestamp("it was signed as something else");
  const certificate = certificateOf(attributes, token);
  if (!certificate.keyUsage?.includes(timeStamping))
    throw fault.timestamp("its certificate is for something else");
  // What is signed is the same as a SET: RFC 5652 section 5.4.
  const text = Buffer.from(signedAttributes?.whole ?? []);
  text[0] = tags.set;
  if (!verify(hash, text, certificate.publicKey, bodyOf(signer[5], tags.octets)))
    throw fault.timestamp("its signature does not verify");
  return certificate;
}

const isValid = (certificate: X509Certificate, time: number): boolean =>
  certificate.validFromDate.getTime() <= time && time <= certificate.validToDate.getTime();

/** Whether a certificate leads to a root, each one valid at that time. */
function leads(
  from: X509Certificate,
  others: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  time: number,
): boolean {
  let at = from;
  for (let step = 0; step < mostIssuers; step += 1) {
    const issued = (by: X509Certificate): boolean =>
      by.ca && isValid(by, time) && at.checkIssued(by) && at.verify(by.publicKey);
    if (roots.some((root) => sameBytes(root.raw, at.raw) || issued(root))) return isValid(at, time);
    const next = others.find((each) => !sameBytes(each.raw, at.raw) && issued(each));
    if (!next) return false;
    at = next;
  }
  return false;
}

/** Days from 1970-01-01 to a date of the Gregorian calendar. */
function daysOf(year: number, month: number, day: number): number {
  // Years from March on: the day that some have more is their last.
  const from = month > 2 ? year : year - 1;
  const since = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leaps = Math.floor(from / 4) - Math.floor(from / 100) + Math.floor(from / 400);
  return 365 * from + leaps + since - 719_468;
}

/** `20261121T…Z` without the T; fractions count as far as milliseconds. */
function timeOf(text: string): number {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?Z$/.exec(text);
  if (!found) throw fault.timestamp("a time that cannot be read");
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  const seconds = ((daysOf(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  return seconds * 1000 + Number((found[7] ?? "0").slice(0, 3).padEnd(3, "0"));
}

function infoOf(info: Buffer, digest: Uint8Array, nonce: Uint8Array | undefined) {
  const parts = inside(single(info, tags.sequence), tags.sequence);
  const [algorithm, imprint] = inside(parts[2], tags.sequence);
  if (
    hashOf(inside(algorithm, tags.sequence)[0]) !== "sha256" ||
    !sameBytes(bodyOf(imprint, tags.octets), digest)
  )
    throw fault.timestamp("it is of something else");
  const answered = parts.slice(5).find(({ tag }) => tag === tags.integer);
  if (nonce && !(answered && sameBytes(answered.whole, integer(nonce))))
    throw fault.timestamp("it answers another question");
  const serial = bodyOf(parts[3], tags.integer)
    .toString("hex")
    .replace(/^(00)+(?=.)/, "");
  return { serial, time: timeOf(bodyOf(parts[4], tags.time).toString("latin1")) };
}

/**
 * Reads the answer of an authority (RFC 3161) and checks that it is one over this SHA-256, that the certificate in it is
 * for timestamps, was valid, and signed it. With `roots` (PEM) the certificate must lead to one of them for `trusted`; with
 * `nonce` it must answer that question. Throws `evidence.timestamp`.
 */
export function readTimestamp(
  response: Uint8Array,
  digest: Uint8Array,
  { roots = [], nonce }: { readonly roots?: readonly string[]; readonly nonce?: Uint8Array } = {},
): Timestamp {
  try {
    const token = tokenOf(Buffer.from(response));
    const { time, serial } = infoOf(token.info, digest, nonce);
    const certificate = checkSignature(token);
    if (!isValid(certificate, time)) throw fault.timestamp("its certificate was not valid then");
    const known = roots.map((pem) => new X509Certificate(pem));
    const trusted = leads(certificate, token.certificates, known, time);
    return { time, serial, authority: certificate.subject.replaceAll("\n", ", "), trusted };
  } catch (thrown) {
    const cause = toFault(thrown);
    throw cause.kind === "internal" ? fault.timestamp("it cannot be read", { cause: thrown }) : cause;
  }
}
