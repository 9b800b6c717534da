import { fault } from "./faults.ts";

/** A reservation as a relay grants it: circuit-v2 of libp2p, messages HopMessage and Reservation. */
export interface Granted {
  /** Milliseconds since 1970. */
  readonly expires: number;
  /** Addresses of the relay, as the bytes of multiaddrs. */
  readonly addresses: readonly Uint8Array[];
}

/** The protocol on which a reservation is asked for. */
export const hopProtocol = "/libp2p/circuit/relay/0.2.0/hop";

/** HopMessage { type: RESERVE }, with its length before it. */
export const reserveMessage: Uint8Array = Uint8Array.of(2, 0x08, 0);

const largest = 65_536;
const words: Readonly<Record<number, string>> = {
  200: "it gives no reservations now",
  201: "a limit of it is reached",
  202: "it does not allow this peer",
  203: "it cannot connect",
  204: "no reservation",
};

type Field = { readonly number: number; readonly value: bigint | Uint8Array };

function varint(
  bytes: Uint8Array,
  at: number,
): { readonly value: bigint; readonly next: number } | undefined {
  let value = 0n;
  for (let index = at, shift = 0n; index < bytes.length && shift < 70n; index++, shift += 7n) {
    const byte = bytes[index] ?? 0;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value, next: index + 1 };
  }
  return undefined;
}

function fieldsOf(bytes: Uint8Array): Field[] {
  const found: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = varint(bytes, at);
    const size = tag && varint(bytes, tag.next);
    if (!tag || !size) throw fault.reservation("its answer is damaged");
    const number = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    if (wire === 0) {
      found.push({ number, value: size.value });
      at = size.next;
    } else if (wire === 2 && size.value <= BigInt(bytes.length - size.next)) {
      at = size.next + Number(size.value);
      found.push({ number, value: bytes.subarray(size.next, at) });
    } else throw fault.reservation("its answer is damaged");
  }
  return found;
}

/** The message in what has arrived, once it is whole. Throws `mesh.reservation` for one that is too long. */
export function whole(bytes: Uint8Array): Uint8Array | undefined {
  const size = varint(bytes, 0);
  if (!size) return undefined;
  if (size.value > BigInt(largest)) throw fault.reservation("its answer is too long");
  const end = size.next + Number(size.value);
  return bytes.length >= end ? bytes.subarray(size.next, end) : undefined;
}

/** Reads a relay's answer to RESERVE. Throws `mesh.reservation` with the relay's reason. */
export function readGrant(message: Uint8Array): Granted {
  const fields = fieldsOf(message);
  const status = Number(fields.find(({ number }) => number === 5)?.value ?? 0n);
  const body = fields.find(({ number }) => number === 3)?.value;
  if (status !== 100 || !(body instanceof Uint8Array))
    throw fault.reservation(words[status] ?? `status ${status}`);
  const inner = fieldsOf(body);
  const expires = inner.find(({ number }) => number === 1)?.value;
  if (typeof expires !== "bigint") throw fault.reservation("its answer has no end");
  const addresses = inner.filter(({ number }) => number === 2).map(({ value }) => value);
  return {
    expires: Number(expires) * 1000,
    addresses: addresses.filter((value) => value instanceof Uint8Array),
  };
}
