import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { faults } from "@skep/fault";
import { damaged, type Field, parseFields, printFields, tags } from "./fields.ts";

const fault = faults("invite", {
  newer: [
    "unsupported",
    "Cannot read invitation: a newer Skep made it",
    { cure: "Update Skep on this machine" },
  ],
  forged: [
    "denied",
    "Cannot use invitation: its signature does not hold",
    { cure: "Ask for a new one with `skep invite`; this one was changed on its way" },
  ],
  expired: ["stale", "Cannot use invitation: it expired", { cure: "Ask for a new one with `skep invite`" }],
  form: ["invalid", "Cannot make an invitation from this"],
});

/** Whose machine it is that joins, which decides what may run there and how it is checked. */
export const classes = ["owned", "borrowed", "rented", "volunteer"] as const;
/** One of the closed list of classes. */
export type MachineClass = (typeof classes)[number];

/** All that a machine needs to join a hive. */
export interface Invite {
  /** Ed25519 public key of the hive's identity, 64 hex digits: who signed, and who must answer. */
  readonly hiveKey: string;
  readonly hive: string;
  /** 16 hex digits; what the hive knows the invitation by. */
  readonly id: string;
  readonly class: MachineClass;
  readonly role: string;
  /** Milliseconds since 1970, whole seconds. */
  readonly expiresAt: number;
  /** Opens nothing but the joining. */
  readonly ticket: string;
  /** Where the hive can be reached, best first; none where the joiner looks on its own network. */
  readonly addresses: readonly string[];
}

const prefix = "skep-join-";
const version = 1;
const context = Buffer.from("skep invite v1\0");
const signatureBytes = 64;
const mostBytes = 8192;
const mostAddresses = 16;
const spki = Buffer.from("302a300506032b6570032100", "hex");

function seconds(milliseconds: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(Math.floor(milliseconds / 1000)));
  return bytes;
}

function fieldsOf(invite: Invite): Field[] {
  if (!/^[0-9a-f]{64}$/.test(invite.hiveKey)) throw fault.form("the hive's key is not 64 hex digits");
  if (!/^[0-9a-f]{16}$/.test(invite.id)) throw fault.form("the id is not 16 hex digits");
  if (invite.addresses.length > mostAddresses) throw fault.form(`more than ${mostAddresses} addresses`);
  return [
    [tags.hiveKey, Buffer.from(invite.hiveKey, "hex")],
    [tags.hive, Buffer.from(invite.hive)],
    [tags.id, Buffer.from(invite.id, "hex")],
    [tags.class, Buffer.from([classes.indexOf(invite.class)])],
    [tags.role, Buffer.from(invite.role)],
    [tags.expiresAt, seconds(invite.expiresAt)],
    [tags.ticket, Buffer.from(invite.ticket, "base64url")],
    ...invite.addresses.map((address): Field => [tags.address, Buffer.from(address)]),
  ];
}

/** One line that is the whole invitation, signed by the hive's identity. Throws `invite.form`. */
export function printInvite(invite: Invite, key: KeyObject): string {
  const body = Buffer.concat([Buffer.from([version]), printFields(fieldsOf(invite))]);
  const signature = sign(null, Buffer.concat([context, body]), key);
  const bytes = Buffer.concat([body, signature]);
  if (bytes.length > mostBytes) throw fault.form(`${bytes.length} bytes, at most ${mostBytes}`);
  return prefix + bytes.toString("base64url");
}

function only(fields: Map<number, Buffer[]>, name: keyof typeof tags, length?: number): Buffer {
  const bytes = fields.get(tags[name])?.[0];
  if (!bytes || (length !== undefined && bytes.length !== length)) throw damaged(`no ${name}`);
  return bytes;
}

function bytesOf(text: string): Buffer {
  // Mail and terminals break long lines.
  const line = text.replaceAll(/\s+/g, "");
  if (!line.startsWith(prefix)) throw damaged(`it does not begin with ${prefix}`);
  const coded = line.slice(prefix.length);
  if (coded.length > mostBytes * 2) throw damaged("it is too long");
  const bytes = Buffer.from(coded, "base64url");
  if (bytes.toString("base64url") !== coded) throw damaged("it has letters that do not belong there");
  if (bytes.length < 1 + signatureBytes) throw damaged("it is cut short");
  return bytes;
}

function textOf(bytes: Buffer, name: string): string {
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes) || /\p{C}/u.test(text)) throw damaged(`${name} is no text`);
  return text;
}

/**
 * Reads what `printInvite` made, line breaks or not, and checks its signature against the key in it and its end against
 * the clock. Throws `invite.damaged`, `invite.newer`, `invite.forged` and `invite.expired`, in that order.
 */
export function parseInvite(text: string, now: number): Invite {
  const bytes = bytesOf(text);
  if ((bytes[0] ?? 0) > version) throw fault.newer(`version ${bytes[0]}`);
  if (bytes[0] !== version) throw damaged("it has no version");
  const body = bytes.subarray(0, -signatureBytes);
  const fields = parseFields(body.subarray(1));
  const hiveKey = only(fields, "hiveKey", 32);
  const key = createPublicKey({ key: Buffer.concat([spki, hiveKey]), format: "der", type: "spki" });
  if (!verify(null, Buffer.concat([context, body]), key, bytes.subarray(-signatureBytes)))
    throw fault.forged();
  const machineClass = classes[only(fields, "class", 1)[0] ?? 255];
  if (!machineClass) throw damaged("no class");
  const invite: Invite = {
    hiveKey: hiveKey.toString("hex"),
    hive: textOf(only(fields, "hive"), "the hive's name"),
    id: only(fields, "id", 8).toString("hex"),
    class: machineClass,
    role: textOf(only(fields, "role"), "the role"),
    expiresAt: Number(only(fields, "expiresAt", 8).readBigUInt64BE()) * 1000,
    ticket: only(fields, "ticket").toString("base64url"),
    addresses: (fields.get(tags.address) ?? []).map((address) => textOf(address, "an address")),
  };
  if (invite.expiresAt <= now) throw fault.expired();
  return invite;
}

/** Whether a text claims to be an invitation for a machine. */
export function isInvite(text: string): boolean {
  return text.trimStart().startsWith(prefix);
}

/** What a joiner signs to show that the key which it brings is its own. */
export function joinStatement(join: {
  readonly hive: string;
  readonly invite: string;
  readonly node: string;
  readonly box: string;
}): Buffer {
  return Buffer.from(`skep join v1\n${join.hive}\n${join.invite}\n${join.node}\n${join.box}\n`);
}

/** Six digits that both sides show: equal where nobody stands between them. */
export function joinCode(hiveKey: string, node: string, invite: string): string {
  const digest = createHash("sha256").update(`skep code v1\n${hiveKey}\n${node}\n${invite}\n`).digest();
  return String(digest.readUInt32BE(0) % 1_000_000).padStart(6, "0");
}
