import { fault } from "./faults.ts";

const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The protocol is in the byte order of the machine, and only the usual one is written here. Throws `fuse.version`. */
export function endianness(): void {
  if (!little) throw fault.version("big-endian");
}
