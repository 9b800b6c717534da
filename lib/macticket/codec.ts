/** Roles by their number on the wire. */
export const macRoles = ["queen", "worker-heartbeat", "worker-gpu", "worker-bus", "worker-lora"] as const;
const verbs = ["read", "write", "rw"] as const;

/** A role that console tickets know. */
export type MacRole = (typeof macRoles)[number];
/** What a scope lets a bearer do. */
export type MacVerb = (typeof verbs)[number];

/** Leave to use a verb at a path and below it; rate in uses per second, 0 when unlimited. */
export interface MacScope {
  readonly path: string;
  readonly verb: MacVerb;
  readonly rate: number;
}

/** Quotas of one session; 0 where the ticket leaves the hive's maximum. */
export interface MacQuotas {
  readonly bandwidthBytes: bigint;
  readonly cursorResumes: number;
  readonly cursorAdvances: number;
}

/** What a console ticket says, field by field as on the wire. */
export interface MacClaims {
  readonly role: MacRole;
  readonly ticks?: bigint;
  readonly ops?: bigint;
  /** Seconds that it lives after `issuedAt`. */
  readonly ttl?: bigint;
  readonly subject?: string;
  /** Milliseconds since 1970. */
  readonly issuedAt: bigint;
  readonly mount: { readonly service: string; readonly at: string };
  readonly scopes?: readonly MacScope[];
  readonly quotas?: MacQuotas;
}

const flag = { ticks: 1, ops: 2, ttl: 4, subject: 8, scopes: 16, quotas: 32 } as const;
const version = 1;
/** Most scopes that the format has room for. */
export const maxScopes = 16;
const maxText = 255;

/** The bytes do not have the form of a payload. */
export class Misformed extends Error {}

class Writer {
  readonly #parts: Buffer[] = [];

  uint(value: number, size: 1 | 2 | 4): void {
    if (!Number.isInteger(value) || value < 0 || value >= 256 ** size)
      throw new Misformed("number out of range");
    const part = Buffer.alloc(size);
    part.writeUIntLE(value, 0, size);
    this.#parts.push(part);
  }

  u64(value: bigint): void {
    if (value < 0n || value >= 1n << 64n) throw new Misformed("number out of range");
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(value);
    this.#parts.push(part);
  }

  text(value: string): void {
    const bytes = Buffer.from(value);
    if (bytes.length > maxText || !value.isWellFormed()) throw new Misformed("text too long or not Unicode");
    this.uint(bytes.length, 2);
    this.#parts.push(bytes);
  }

  end(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #take(size: number): Buffer {
    if (this.#at + size > this.#bytes.length) throw new Misformed("payload ends too early");
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  uint(size: 1 | 2 | 4): number {
    return this.#take(size).readUIntLE(0, size);
  }

  u64(): bigint {
    return this.#take(8).readBigUInt64LE();
  }

  text(): string {
    const size = this.uint(2);
    if (size > maxText) throw new Misformed("text too long");
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.#take(size));
    } catch {
      throw new Misformed("text is not UTF-8");
    }
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Misformed("bytes follow the payload");
  }
}

function flagsOf(claims: MacClaims): number {
  const names = Object.keys(flag) as (keyof typeof flag)[];
  return names.reduce((sum, name) => (claims[name] === undefined ? sum : sum | flag[name]), 0);
}

function writeScopes(to: Writer, scopes: readonly MacScope[]): void {
  if (scopes.length > maxScopes) throw new Misformed("too many scopes");
  to.uint(scopes.length, 1);
  for (const { path, verb, rate } of scopes) {
    to.text(path);
    to.uint(verbs.indexOf(verb), 1);
    to.uint(rate, 4);
  }
}

/** Writes a payload. Throws `Misformed` for what the format has no room for. */
export function encodePayload(claims: MacClaims): Buffer {
  const to = new Writer();
  to.uint(version, 1);
  to.uint(macRoles.indexOf(claims.role), 1);
  to.uint(flagsOf(claims), 1);
  for (const value of [claims.ticks, claims.ops, claims.ttl]) if (value !== undefined) to.u64(value);
  if (claims.subject !== undefined) to.text(claims.subject);
  to.u64(claims.issuedAt);
  to.text(claims.mount.service);
  to.text(claims.mount.at);
  if (claims.scopes) writeScopes(to, claims.scopes);
  if (claims.quotas) {
    to.u64(claims.quotas.bandwidthBytes);
    to.uint(claims.quotas.cursorResumes, 4);
    to.uint(claims.quotas.cursorAdvances, 4);
  }
  return to.end();
}

function readChoice<T>(from: Reader, choices: readonly T[]): T {
  const choice = choices[from.uint(1)];
  if (choice === undefined) throw new Misformed("unknown role or verb");
  return choice;
}

function readScopes(from: Reader): MacScope[] {
  const count = from.uint(1);
  if (count > maxScopes) throw new Misformed("too many scopes");
  return Array.from({ length: count }, () => ({
    path: from.text(),
    verb: readChoice(from, verbs),
    rate: from.uint(4),
  }));
}

function readQuotas(from: Reader): MacQuotas {
  return { bandwidthBytes: from.u64(), cursorResumes: from.uint(4), cursorAdvances: from.uint(4) };
}

/** Reads a payload; what it gives encodes to the same bytes. Throws `Misformed`. */
export function decodePayload(payload: Uint8Array): MacClaims {
  const from = new Reader(Buffer.from(payload));
  if (from.uint(1) !== version) throw new Misformed("unknown version");
  const role = readChoice(from, macRoles);
  const flags = from.uint(1);
  if (flags > 63) throw new Misformed("unknown flag");
  const has = (name: keyof typeof flag) => (flags & flag[name]) !== 0;
  // the fields follow one another on the wire in the order of these lines
  const claims = {
    role,
    ...(has("ticks") && { ticks: from.u64() }),
    ...(has("ops") && { ops: from.u64() }),
    ...(has("ttl") && { ttl: from.u64() }),
    ...(has("subject") && { subject: from.text() }),
    issuedAt: from.u64(),
    mount: { service: from.text(), at: from.text() },
    ...(has("scopes") && { scopes: readScopes(from) }),
    ...(has("quotas") && { quotas: readQuotas(from) }),
  };
  from.end();
  return claims;
}
