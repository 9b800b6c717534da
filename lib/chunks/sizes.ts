import { faults } from "@skep/fault";

const fault = faults("chunks", {
  sizes: [
    "invalid",
    "Cannot chunk by these sizes: least, average and most have to grow, and average be a power of two",
  ],
});

/** How long chunks are, bytes. */
export interface Sizes {
  /** No chunk but the last is shorter; at least 64. */
  readonly least: number;
  /** What most chunks are near to; a power of two, at most 16 MiB. */
  readonly average: number;
  /** No chunk is longer. */
  readonly most: number;
}

/** 8 KiB, 32 KiB, 128 KiB: a small change of a large file costs some tens of KiB. */
export const standardSizes: Sizes = { least: 8 * 1024, average: 32 * 1024, most: 128 * 1024 };

/** Bits that make the average. Throws `chunks.sizes`. */
export function bitsOf({ least, average, most }: Sizes): number {
  const bits = Math.log2(average);
  const fits = least >= 64 && least < average && average < most && average <= 2 ** 24;
  if (!Number.isInteger(bits) || !fits) throw fault.sizes(`${least}, ${average}, ${most}`);
  return bits;
}
