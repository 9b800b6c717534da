import { faults } from "@skep/fault";

const fault = faults("can", {
  form: ["corrupt", "Cannot read CAN frame"],
  frame: ["invalid", "Cannot make CAN frame"],
});

/** One frame on a bus. */
export interface CanFrame {
  /** 11 bits, or 29 where `extended`. */
  readonly id: number;
  readonly extended: boolean;
  /** Asks for the frame of this identifier, and has no data. */
  readonly remote: boolean;
  /** The controller tells of an error: `id` has its class. */
  readonly error: boolean;
  /** CAN FD: up to 64 bytes, with two flags (1: the data ran faster, 2: the sender was in the state of errors). */
  readonly fd: { readonly flags: number } | false;
  readonly data: Uint8Array;
}

const flag = { extended: 0x8000_0000, remote: 0x4000_0000, error: 0x2000_0000 } as const;
const classic = 16;
const long = 72;
const head = 8;
/** Lengths that CAN FD has beyond 8 bytes. */
const fdLengths = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64]);

/** Whether a frame can be on a bus. Throws `can.frame`. */
export function checkFrame({ id, extended, error, remote, fd, data }: CanFrame): void {
  const top = extended || error ? 0x1fff_ffff : 0x7ff;
  if (!Number.isInteger(id) || id < 0 || id > top) throw fault.frame(`identifier ${id}`);
  if (fd ? !fdLengths.has(data.length) || remote : data.length > 8) throw fault.frame(`${data.length} bytes`);
  if (remote && data.length > 0) throw fault.frame("a request has no data");
}

/** `struct can_frame` or `struct canfd_frame` of Linux on a little-endian machine. Throws `can.frame`. */
export function encodeFrame(frame: CanFrame): Buffer {
  checkFrame(frame);
  const { id, extended, remote, error, fd, data } = frame;
  const bytes = Buffer.alloc(fd ? long : classic);
  const flags = (extended ? flag.extended : 0) + (remote ? flag.remote : 0) + (error ? flag.error : 0);
  bytes.writeUInt32LE(id + flags, 0);
  bytes.writeUInt8(data.length, 4);
  if (fd) bytes.writeUInt8(fd.flags & 3, 5);
  bytes.set(data, head);
  return bytes;
}

/** Reads what a CAN socket gives. Throws `can.form`. */
export function decodeFrame(bytes: Uint8Array): CanFrame {
  if (bytes.length !== classic && bytes.length !== long) throw fault.form(`${bytes.length} bytes`);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = view.readUInt32LE(0);
  const length = view.readUInt8(4);
  const fd = bytes.length === long;
  if (length > (fd ? 64 : 8)) throw fault.form(`${length} bytes of data`);
  const remote = (word & flag.remote) !== 0;
  const extended = (word & flag.extended) !== 0;
  const error = (word & flag.error) !== 0;
  return {
    id: word & (extended || error ? 0x1fff_ffff : 0x7ff),
    extended,
    remote,
    error,
    fd: fd ? { flags: view.readUInt8(5) & 3 } : false,
    data: remote ? new Uint8Array(0) : Uint8Array.from(view.subarray(head, head + length)),
  };
}
