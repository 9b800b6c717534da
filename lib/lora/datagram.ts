import type { z } from "zod";
import { fault } from "./faults.ts";
import { bodies, type GatewayStat, packetJson, type Rxpk, type Txpk, type TxpkAck } from "./packets.ts";

/** Longest datagram that is read, bytes: what the forwarders of eight channels may send at once, many times over. */
export const mostBytes = 32 * 1024;

type Token = {
  /** Two bytes that an answer has too. */
  readonly token: number;
};
type FromGateway = Token & {
  /** Its identifier, 16 digits in lower case. */
  readonly gateway: string;
};

/** One datagram (Semtech's PROTOCOL.TXT, version 2 of the protocol). */
export type Datagram =
  | (FromGateway & {
      readonly kind: "push-data";
      readonly rxpk: readonly Rxpk[];
      readonly stat: GatewayStat | undefined;
      /** Packets of it that cannot be read; the others are not lost for that. */
      readonly unreadable: number;
    })
  | (Token & { readonly kind: "push-ack" })
  | (FromGateway & { readonly kind: "pull-data" })
  | (Token & { readonly kind: "pull-ack" })
  | (Token & { readonly kind: "pull-resp"; readonly txpk: Txpk })
  | (FromGateway & { readonly kind: "tx-ack"; readonly ack: TxpkAck });

type Kind = Datagram["kind"];
type Of<K extends Kind> = Extract<Datagram, { readonly kind: K }>;

const version = 2;
const kinds: readonly Kind[] = ["push-data", "push-ack", "pull-data", "pull-resp", "pull-ack", "tx-ack"];
const headBytes = 4;
const euiBytes = 8;
const named: ReadonlySet<Kind> = new Set(["push-data", "pull-data", "tx-ack"]);

const bodyOf = (datagram: Datagram): object | undefined => {
  if (datagram.kind === "push-data") {
    const { rxpk, stat } = datagram;
    return { ...(rxpk.length > 0 && { rxpk: rxpk.map(packetJson) }), ...(stat && { stat }) };
  }
  if (datagram.kind === "pull-resp") return { txpk: packetJson(datagram.txpk) };
  if (datagram.kind === "tx-ack")
    return Object.keys(datagram.ack).length > 0 ? { txpk_ack: datagram.ack } : undefined;
  return undefined;
};

/** Makes a datagram. Throws `lora-udp.packet`, `lora-udp.long`. */
export function encodeDatagram(datagram: Datagram): Buffer {
  const { kind, token } = datagram;
  const head = Buffer.from([version, 0, 0, kinds.indexOf(kind)]);
  if (!Number.isInteger(token) || token < 0 || token > 0xffff) throw fault.packet(`token ${token}`);
  head.writeUInt16BE(token, 1);
  const eui = "gateway" in datagram ? datagram.gateway : "";
  if (named.has(kind) && !/^[0-9a-f]{16}$/.test(eui)) throw fault.packet(`gateway ${eui}`);
  const body = bodyOf(datagram);
  const made = Buffer.concat([
    head,
    Buffer.from(eui, "hex"),
    Buffer.from(body === undefined ? "" : JSON.stringify(body)),
  ]);
  if (made.length > mostBytes) throw fault.long(`${made.length} bytes`);
  return made;
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw fault.form("its body is no JSON", { cause });
  }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw fault.form(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`, { cause: read.error });
}

function pushed(body: unknown): Pick<Of<"push-data">, "rxpk" | "stat" | "unreadable"> {
  const { rxpk: packets = [], stat } = checked(bodies.push, body);
  const read = packets.map((one) => bodies.rxpk.safeParse(one));
  const rxpk = read.flatMap(({ data }) => (data ? [data] : []));
  return {
    rxpk,
    stat: stat === undefined ? undefined : bodies.stat.safeParse(stat).data,
    unreadable: packets.length - rxpk.length,
  };
}

/** Reads a datagram. Throws `lora-udp.form`, `lora-udp.version`, `lora-udp.long`. */
export function decodeDatagram(bytes: Uint8Array): Datagram {
  if (bytes.length > mostBytes) throw fault.long(`${bytes.length} of ${mostBytes} bytes`);
  if (bytes.length < headBytes) throw fault.form(`${bytes.length} bytes`);
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.readUInt8(0) !== version) throw fault.version(String(all.readUInt8(0)));
  const kind = kinds[all.readUInt8(3)];
  if (kind === undefined) throw fault.form(`kind ${all.readUInt8(3)}`);
  const token = all.readUInt16BE(1);
  const from = named.has(kind) ? headBytes + euiBytes : headBytes;
  if (all.length < from) throw fault.form("its gateway is cut off");
  const gateway = all.toString("hex", headBytes, from);
  const body = all.subarray(from);
  if (kind === "push-data") return { kind, token, gateway, ...pushed(jsonIn(body)) };
  if (kind === "pull-resp") return { kind, token, txpk: checked(bodies.resp, jsonIn(body)).txpk };
  if (kind === "tx-ack") {
    // Without a body it was sent, as forwarders say that have nothing to add.
    const told = body.length === 0 ? {} : jsonIn(body);
    return { kind, token, gateway, ack: checked(bodies.ack, told).txpk_ack };
  }
  if (body.length > 0) throw fault.form(`${body.length} bytes behind its end`);
  if (kind === "pull-data") return { kind, token, gateway };
  return { kind, token };
}
