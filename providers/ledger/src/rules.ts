/** Millionths of an NCU: 1 NCU is one TFLOP of single precision for a second on an A10G. */
export type Micro = number;

const day = 86_400_000;
/** What comes back of a price where the work was done by machines of lower caliber than was paid for: 30 % for each class. */
export function downgradeRefund(price: Micro, classes: number): Micro {
  return Math.min(price, Math.floor((price * 30 * Math.max(0, classes)) / 100));
}

/** The part of a balance that a day takes, millionths: it halves in 45 days; in 30 where more is saved than is ever spent. */
const daily = { slow: 15_285, fast: 22_840 } as const;

/** What a day takes of a balance. Never goes below the floor: thirty days of earning, at the rate of the last thirty. */
export function decay(balance: Micro, floor: Micro, fast: boolean): Micro {
  const part = fast ? daily.fast : daily.slow;
  const taken = Math.floor((balance * part) / 1_000_000);
  return Math.max(0, Math.min(taken, balance - floor));
}

/** Whether savings are more than 110 % of what was redeemed: then they fade half as fast again. */
export function fades(saved: Micro, redeemed: Micro): boolean {
  return redeemed > 0 && saved * 100 > redeemed * 110;
}

/** Days since 1970. */
export function dayOf(time: number): number {
  return Math.floor(time / day);
}

/** When a day begins, milliseconds since 1970. */
export function startOf(days: number): number {
  return days * day;
}
