import { errno, type Guest, Refusal } from "./guest.ts";
import type { Meter } from "./meter.ts";

const mostVectors = 1_024;

/** A buffer of the module. */
export interface Vector {
  readonly pointer: number;
  readonly length: number;
}

/** Reads a list of buffers; each lies in the module's memory, else EFAULT. */
export function vectors(guest: Guest, meter: Meter, list: number, count: number): Vector[] {
  if (count >>> 0 > mostVectors) throw new Refusal(errno.inval);
  meter.spend(16 * count);
  guest.place(list, 8 * count);
  const found: Vector[] = [];
  for (let n = 0; n < count; n++) {
    const pointer = guest.getU32(list + 8 * n);
    const length = guest.getU32(list + 8 * n + 4);
    guest.place(pointer, length);
    found.push({ pointer, length });
  }
  return found;
}
