import { fault } from "./faults.ts";

/** What a device keeps: single bits and 16-bit registers, those that are only read and those that are written too. */
export const tables = ["coil", "discrete", "holding", "input"] as const;
/** One of them. */
export type Table = (typeof tables)[number];

/** What a device is asked for; addresses count from 0. */
export type Request =
  | { readonly op: "read"; readonly table: Table; readonly address: number; readonly count: number }
  | {
      readonly op: "write";
      readonly table: "coil" | "holding";
      readonly address: number;
      readonly values: readonly number[];
    };

/** What it answers: values of a read, none of a write. */
export type Reply =
  | { readonly ok: true; readonly values: readonly number[] }
  | { readonly ok: false; readonly exception: number };

const readCode: Readonly<Record<Table, number>> = { coil: 1, discrete: 2, holding: 3, input: 4 };
const mostRead: Readonly<Record<Table, number>> = { coil: 2000, discrete: 2000, holding: 125, input: 125 };
const mostWritten = { coil: 1968, holding: 123 } as const;
const single = { coil: 5, holding: 6 } as const;
const several = { coil: 15, holding: 16 } as const;

const names: Readonly<Record<number, string>> = {
  1: "illegal function",
  2: "illegal data address",
  3: "illegal data value",
  4: "server device failure",
  5: "acknowledge",
  6: "server device busy",
  8: "memory parity error",
  10: "gateway path unavailable",
  11: "gateway target device failed to respond",
};

/** What an exception code says, in the words of the specification. */
export const exceptionName = (code: number): string => names[code] ?? `exception ${code}`;

const isBits = (table: Table): boolean => table === "coil" || table === "discrete";

function checkRange(address: number, count: number, most: number): void {
  const fits = Number.isInteger(address) && Number.isInteger(count) && address >= 0 && count >= 1;
  if (!fits || count > most || address + count > 0x1_0000) throw fault.range(`${count} from ${address} on`);
}

/** The function code of a request. */
export function functionOf(request: Request): number {
  if (request.op === "read") return readCode[request.table];
  return request.values.length === 1 ? single[request.table] : several[request.table];
}

function packBits(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(values.length / 8));
  for (const [at, value] of values.entries())
    if (value) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  return bytes;
}

function packWords(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2);
  return bytes;
}

function checkValues(table: "coil" | "holding", values: readonly number[]): void {
  const top = table === "coil" ? 1 : 0xffff;
  for (const value of values)
    if (!Number.isInteger(value) || value < 0 || value > top) throw fault.value(String(value));
}

/** The protocol data unit of a request. Throws `modbus.range`, `modbus.value`. */
export function encodeRequest(request: Request): Buffer {
  const { address } = request;
  const count = request.op === "read" ? request.count : request.values.length;
  checkRange(address, count, request.op === "read" ? mostRead[request.table] : mostWritten[request.table]);
  const head = Buffer.alloc(5);
  head.writeUInt8(functionOf(request), 0);
  head.writeUInt16BE(address, 1);
  head.writeUInt16BE(count, 3);
  if (request.op === "read") return head;
  const { table, values } = request;
  checkValues(table, values);
  if (values.length === 1) {
    const [value = 0] = values;
    head.writeUInt16BE(table === "coil" ? value * 0xff00 : value, 3);
    return head;
  }
  const data = table === "coil" ? packBits(values) : packWords(values);
  return Buffer.concat([head, Buffer.from([data.length]), data]);
}

function unpack(table: Table, count: number, data: Uint8Array): number[] {
  if (isBits(table)) return Array.from({ length: count }, (_, at) => ((data[at >> 3] ?? 0) >> (at & 7)) & 1);
  return Array.from({ length: count }, (_, at) => ((data[at * 2] ?? 0) << 8) | (data[at * 2 + 1] ?? 0));
}

/** Reads the protocol data unit that answers a request. Throws `modbus.form` for what cannot be its answer. */
export function decodeReply(request: Request, pdu: Uint8Array): Reply {
  const code = functionOf(request);
  const [told = -1, first = 0] = pdu;
  if (told === (code | 0x80)) {
    if (pdu.length !== 2) throw fault.form("an exception of another length");
    return { ok: false, exception: first };
  }
  if (told !== code) throw fault.form(`function ${told}, asked for ${code}`);
  if (request.op === "read") {
    const wanted = isBits(request.table) ? Math.ceil(request.count / 8) : request.count * 2;
    if (first !== wanted || pdu.length !== wanted + 2)
      throw fault.form(`${pdu.length - 2} bytes of ${wanted}`);
    return { ok: true, values: unpack(request.table, request.count, pdu.subarray(2)) };
  }
  // Writes are answered with where and what, or how many, as they were asked.
  if (!Buffer.from(pdu).equals(encodeRequest(request).subarray(0, 5))) throw fault.form("another write");
  return { ok: true, values: [] };
}
