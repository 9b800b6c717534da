import { fault } from "./faults.ts";
import { parseKey } from "./key.ts";
import { Reader } from "./wire.ts";

/** Serial numbers that an authority took back, both ends with it. */
interface Range {
  readonly from: bigint;
  readonly to: bigint;
}

/** What a KRL says of the certificates of one authority, or of all. */
export interface RevokedCertificates {
  /** Canonical blob of the authority, or undefined for any. */
  readonly authority: Uint8Array | undefined;
  readonly ranges: readonly Range[];
  readonly bitmaps: readonly { readonly offset: bigint; readonly bits: Uint8Array }[];
  readonly keyIds: ReadonlySet<string>;
}

/** A key revocation list in OpenSSH's binary form, PROTOCOL.krl. */
export interface Krl {
  /** Grows with each list that its owner makes. */
  readonly version: bigint;
  /** Seconds since 1970 UTC. */
  readonly generated: bigint;
  readonly comment: string;
  readonly certificates: readonly RevokedCertificates[];
  /** Base64 of key blobs, and of their SHA-1 and SHA-256. */
  readonly keys: ReadonlySet<string>;
  readonly sha1: ReadonlySet<string>;
  readonly sha256: ReadonlySet<string>;
}

const magic = Buffer.from("SSHKRL\n\0");
const bad = fault.revocations;

/** Whether these bytes want to be a binary KRL; else they are a list of keys in text. */
export function isKrl(bytes: Uint8Array): boolean {
  return magic.equals(bytes.subarray(0, magic.length));
}

function readSerials(reader: Reader, ranges: Range[]): void {
  while (reader.left > 0) {
    const serial = reader.u64();
    ranges.push({ from: serial, to: serial });
  }
}

function readRange(reader: Reader, ranges: Range[]): void {
  const from = reader.u64();
  const to = reader.u64();
  if (from > to) throw bad("a range that ends before it begins");
  ranges.push({ from, to });
}

function readCertificates(bytes: Uint8Array): RevokedCertificates {
  const reader = new Reader(bytes, bad);
  const key = reader.string();
  reader.string(); // reserved
  const authority = key.length === 0 ? undefined : parseKey(key).blob;
  const ranges: Range[] = [];
  const bitmaps: { offset: bigint; bits: Uint8Array }[] = [];
  const keyIds = new Set<string>();
  const parts: Record<number, (part: Reader) => void> = {
    32: (part) => readSerials(part, ranges),
    33: (part) => readRange(part, ranges),
    34: (part) => bitmaps.push({ offset: part.u64(), bits: part.mpint() }),
    35: (part) => {
      while (part.left > 0) keyIds.add(part.text());
    },
    57: readExtension,
  };
  readSections(reader, parts);
  return { authority, ranges, bitmaps, keyIds };
}

function readExtension(reader: Reader): void {
  const name = reader.text();
  const critical = reader.u8() !== 0;
  reader.string();
  if (critical) throw bad(`critical extension ${name}`);
}

function readSections(reader: Reader, kinds: Readonly<Record<number, (part: Reader) => unknown>>): void {
  while (reader.left > 0) {
    const kind = reader.u8();
    const part = new Reader(reader.string(), bad);
    const read = kinds[kind];
    // An unknown section may revoke what we would let pass.
    if (!read) throw bad(`section ${kind}`);
    read(part);
    part.end();
  }
}

function readHashes(length: number, into: Set<string>): (reader: Reader) => void {
  return (reader) => {
    while (reader.left > 0) {
      const hash = reader.string();
      if (hash.length !== length) throw bad("a hash of another length");
      into.add(hash.toString("base64"));
    }
  };
}

/** Reads a binary KRL; a signed one is refused, as new OpenSSH does. Throws `sshsig.revocations` or `.key`. */
export function parseKrl(bytes: Uint8Array): Krl {
  const reader = new Reader(bytes, bad);
  if (!reader.take(magic.length).equals(magic)) throw bad("magic");
  const format = reader.u32();
  if (format !== 1) throw bad(`format ${format}`);
  const version = reader.u64();
  const generated = reader.u64();
  reader.u64(); // flags: none defined
  reader.string(); // reserved
  const comment = reader.text();
  const certificates: RevokedCertificates[] = [];
  const keys = new Set<string>();
  const sha1 = new Set<string>();
  const sha256 = new Set<string>();
  readSections(reader, {
    1: (part) => certificates.push(readCertificates(part.take(part.left))),
    2: (part) => {
      while (part.left > 0) keys.add(part.string().toString("base64"));
    },
    3: readHashes(20, sha1),
    5: readHashes(32, sha256),
    255: readExtension,
  });
  return { version, generated, comment, certificates, keys, sha1, sha256 };
}

function hasBit(bits: Uint8Array, at: bigint): boolean {
  const byte = bits[bits.length - 1 - Number(at >> 3n)];
  return byte !== undefined && (byte & (1 << Number(at & 7n))) !== 0;
}

/** Whether such a section takes this serial or key id back; serial 0 means that the authority does not number. */
export function revokesCertificate(
  section: RevokedCertificates,
  { serial, keyId }: { readonly serial: bigint; readonly keyId: string },
): boolean {
  if (section.keyIds.has(keyId)) return true;
  if (serial === 0n) return false;
  if (section.ranges.some(({ from, to }) => from <= serial && serial <= to)) return true;
  return section.bitmaps.some(({ offset, bits }) => serial >= offset && hasBit(bits, serial - offset));
}
