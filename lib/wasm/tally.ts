// Fuel and frames share one number, so that a call pays for both at once: the low 12 bits count open frames up, the rest is the
// fuel left. The sign says that the fuel is used up; bit 11, that too many frames are open.

/** Frames that a run may have open at once; a frame of more than 640 bytes counts as several. */
export const frameLimit = 1_024;

const frameBytes = 640;
export const fuelShift = 12;
const overFrames = 1n << 11n;

/** Either of its bits in a tally ends the run. */
export const overMask = -(1n << 63n) | overFrames;

/** More fuel than this is this much: 13 days of nanoseconds. */
export const mostFuel = 1n << 50n;

/** A tally with all frames closed. */
export function tallyOf(fuel: bigint): bigint {
  return (fuel << BigInt(fuelShift)) + overFrames - 1n - BigInt(frameLimit);
}

/** Fuel left in a tally; negative when it is used up. */
export function fuelOf(tally: bigint): bigint {
  return tally >> BigInt(fuelShift);
}

/** Whether a tally counts more open frames than the limit. */
export function tooDeep(tally: bigint): boolean {
  return (tally & overFrames) !== 0n;
}

/** What a cost takes off a tally. */
export function payment(cost: number): number {
  return cost * 2 ** fuelShift;
}

/**
 * Frames that a function counts as, so that no admitted module can overflow the machine's stack before the limit: the engine's slots
 * are 8 bytes, and a frame holds no more than its locals and operands.
 */
export function weightOf(locals: number, operands: number): number {
  const frames = Math.ceil((96 + 8 * (locals + operands + 6)) / frameBytes);
  return Math.min(frames, frameLimit + 1);
}
