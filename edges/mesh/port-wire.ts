import { isIPv4 } from "node:net";

/** A port that shall be reached from outside. */
export interface Wish {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

/** A port that the router gave. */
export interface Given {
  readonly port: number;
  /** Seconds. */
  readonly lifetime: number;
  /** The router's address outside, where the answer has it. */
  readonly host?: string;
}

/** What an answer says: a port, or why there is none. */
export type Answer = Given | { readonly refused: string; readonly version: boolean };

const mapOf = { udp: 1, tcp: 2 } as const;
const numberOf = { udp: 17, tcp: 6 } as const;
const newer = ["success", "unsupported version", "not authorized", "malformed request", "unsupported opcode"];
const older = ["success", "unsupported version", "not authorized", "network failure", "out of resources"];

function refusal(names: readonly string[], code: number): Answer {
  return { refused: names[code] ?? `result ${code}`, version: code === 1 };
}

const four = (ip: string): Buffer => Buffer.from(ip.split(".").map(Number));
const mappedFour = (ip: string): Buffer => Buffer.concat([Buffer.alloc(10), Buffer.of(0xff, 0xff), four(ip)]);

/** Asks by PCP (RFC 6887 §11.1) for a mapping; a lifetime of 0 gives it back. */
export function pcpMap(wish: Wish, from: string, nonce: Uint8Array, lifetime: number, suggested = 0): Buffer {
  const asked = Buffer.alloc(60);
  asked.writeUInt8(2, 0);
  asked.writeUInt8(1, 1);
  asked.writeUInt32BE(lifetime, 4);
  mappedFour(from).copy(asked, 8);
  asked.set(nonce, 24);
  asked.writeUInt8(numberOf[wish.protocol], 36);
  asked.writeUInt16BE(wish.port, 40);
  asked.writeUInt16BE(suggested, 42);
  mappedFour("0.0.0.0").copy(asked, 44);
  return asked;
}

/** Reads the answer to `pcpMap`; undefined where it answers something else. */
export function readPcp(answer: Buffer, wish: Wish, nonce: Uint8Array): Answer | undefined {
  // A router that knows only NAT-PMP says so in its own form.
  if (answer.length >= 8 && answer[0] === 0) return { refused: "it speaks NAT-PMP", version: true };
  if (answer.length < 24 || answer[0] !== 2 || answer[1] !== 0x81) return undefined;
  const code = answer.readUInt8(3);
  if (code !== 0) return refusal(newer, code);
  if (answer.length < 60 || !answer.subarray(24, 36).equals(nonce)) return undefined;
  if (answer[36] !== numberOf[wish.protocol] || answer.readUInt16BE(40) !== wish.port) return undefined;
  const host = [...answer.subarray(56, 60)].join(".");
  return { port: answer.readUInt16BE(42), lifetime: answer.readUInt32BE(4), host };
}

/** Asks by NAT-PMP (RFC 6886 §3.3) for a mapping; a lifetime of 0 gives it back. */
export function pmpMap(wish: Wish, lifetime: number, suggested = 0): Buffer {
  const asked = Buffer.alloc(12);
  asked.writeUInt8(mapOf[wish.protocol], 1);
  asked.writeUInt16BE(wish.port, 4);
  asked.writeUInt16BE(suggested, 6);
  asked.writeUInt32BE(lifetime, 8);
  return asked;
}

/** Reads the answer to `pmpMap`; undefined where it answers something else. */
export function readPmp(answer: Buffer, wish: Wish): Answer | undefined {
  if (answer.length < 4 || answer[0] !== 0 || answer[1] !== 128 + mapOf[wish.protocol]) return undefined;
  const code = answer.readUInt16BE(2);
  if (code !== 0) return refusal(older, code);
  if (answer.length < 16 || answer.readUInt16BE(8) !== wish.port) return undefined;
  return { port: answer.readUInt16BE(10), lifetime: answer.readUInt32BE(12) };
}

/** Asks by NAT-PMP (RFC 6886 §3.2) for the address outside. */
export const pmpAddress = (): Buffer => Buffer.alloc(2);

/** Reads the answer to `pmpAddress`. */
export function readPmpAddress(answer: Buffer): string | undefined {
  if (answer.length < 12 || answer[0] !== 0 || answer[1] !== 128 || answer.readUInt16BE(2) !== 0)
    return undefined;
  const host = [...answer.subarray(8, 12)].join(".");
  return isIPv4(host) && host !== "0.0.0.0" ? host : undefined;
}
