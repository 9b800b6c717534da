import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP, isIPv4 } from "node:net";

/** A key and its certificate, PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

const tag = {
  bool: 1,
  int: 2,
  bits: 3,
  octets: 4,
  oid: 6,
  utf8: 12,
  seq: 0x30,
  set: 0x31,
  utcTime: 23,
  time: 24,
} as const;

function der(kind: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 128) return Buffer.concat([Buffer.from([kind, body.length]), body]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  const used = size.subarray(size.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([kind, 0x80 | used.length]), used, body]);
}

const seq = (...parts: readonly Uint8Array[]): Buffer => der(tag.seq, ...parts);
const bits = (bytes: Uint8Array, unused = 0): Buffer => der(tag.bits, Buffer.from([unused]), bytes);
const yes = der(tag.bool, Buffer.from([0xff]));

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 127];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return der(tag.oid, Buffer.from(bytes));
}

// Two digits of the year up to 2049 (RFC 5280 §4.1.2.5), four beyond.
function time(ms: number): Buffer {
  const text = `${new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14)}Z`;
  return text < "2050" ? der(tag.utcTime, Buffer.from(text.slice(2))) : der(tag.time, Buffer.from(text));
}

const named = (name: string): Buffer =>
  seq(der(tag.set, seq(oid("2.5.4.3"), der(tag.utf8, Buffer.from(name)))));
const ecdsaSha256 = seq(oid("1.2.840.10045.4.3.2"));

function extension(id: string, value: Uint8Array, isCritical = false): Buffer {
  return seq(oid(id), ...(isCritical ? [yes] : []), der(tag.octets, value));
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("::");
  const groups = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [front, back] = [groups(head), tail === undefined ? [] : groups(tail)];
  const middle = new Array<number>(8 - front.length - back.length).fill(0);
  return Buffer.from([...front, ...middle, ...back].flatMap((group) => [group >> 8, group & 255]));
}

const alternative = (name: string): Buffer =>
  isIP(name) ? der(0x87, addressBytes(name)) : der(0x82, Buffer.from(name, "latin1"));

interface Certificate {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly from: number;
  readonly until: number;
  readonly extensions: readonly Uint8Array[];
}

function certificate({ issuer, subject, publicKey, signer, from, until, extensions }: Certificate): string {
  const serial = randomBytes(16);
  // Positive, and no leading zero that DER forbids.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const body = seq(
    der(0xa0, der(tag.int, Buffer.from([2]))),
    der(tag.int, serial),
    ecdsaSha256,
    named(issuer),
    seq(time(from), time(until)),
    named(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, seq(...extensions)),
  );
  const whole = seq(body, ecdsaSha256, bits(sign("sha256", body, signer)));
  const lines = whole.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const keyId = (key: KeyObject): Buffer =>
  createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
const newKeys = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const day = 86_400_000;

/** An authority that certifies nothing but hosts of this hive. */
export function makeAuthority(name: string, now: number): Identity {
  const { publicKey, privateKey } = newKeys();
  const cert = certificate({
    issuer: name,
    subject: name,
    publicKey,
    signer: privateKey,
    from: now - day,
    until: now + 3650 * day,
    extensions: [
      extension("2.5.29.19", seq(yes, der(tag.int, Buffer.from([0]))), true),
      extension("2.5.29.15", bits(Buffer.from([0x06]), 1), true),
      extension("2.5.29.14", der(tag.octets, keyId(publicKey))),
    ],
  });
  return { cert, key: pem(privateKey) };
}

/** A certificate for names and addresses, good for 397 days, by an authority of `makeAuthority`. */
export function makeCertificate(
  authority: { readonly name: string; readonly key: KeyObject; readonly publicKey: KeyObject },
  names: readonly string[],
  now: number,
): Identity {
  const { publicKey, privateKey } = newKeys();
  const cert = certificate({
    issuer: authority.name,
    subject: names[0] ?? "localhost",
    publicKey,
    signer: authority.key,
    from: now - day,
    until: now + 397 * day,
    extensions: [
      extension("2.5.29.19", seq(), true),
      extension("2.5.29.15", bits(Buffer.from([0x80]), 7), true),
      extension("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.1"))),
      extension("2.5.29.35", seq(der(0x80, keyId(authority.publicKey)))),
      extension("2.5.29.17", seq(...names.map(alternative))),
    ],
  });
  return { cert, key: pem(privateKey) };
}
