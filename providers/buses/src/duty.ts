/** One transmission: when it begins, milliseconds since 1970, and for how long it is on the air. */
export type Slot = { readonly at: number; readonly ms: number };

/** What may be on the air within each span of a length. */
export interface Budget {
  /** Length of the span, milliseconds. */
  readonly windowMs: number;
  /** Time on the air within any such span, milliseconds. */
  readonly budgetMs: number;
}

/** The budget of a share, in percent, of a window. */
export function duty(percent: number, windowMs: number): Budget {
  return { windowMs, budgetMs: (windowMs * percent) / 100 };
}

const endOf = (slot: Slot | undefined): number => (slot ? slot.at + slot.ms : Number.NEGATIVE_INFINITY);

/** Transmissions that still count for one that begins now or later. */
export function counted(slots: readonly Slot[], now: number, { windowMs }: Budget): readonly Slot[] {
  return slots.filter((slot) => endOf(slot) > now - windowMs);
}

/**
 * When a transmission of `ms` may begin at the earliest, behind those that were granted before, so that no span of the
 * window's length has more than the budget on the air; undefined where it never may. Of all such spans the fullest end
 * with a transmission, so that it is enough to look at the one that ends with this.
 */
export function earliest(
  slots: readonly Slot[],
  ms: number,
  now: number,
  budget: Budget,
): number | undefined {
  let room = budget.budgetMs - ms;
  if (room < 0) return undefined;
  const from = Math.max(now, endOf(slots.at(-1)));
  for (const slot of slots.toReversed()) {
    if (slot.ms > room) {
      // The span has to begin where only `room` of this one is left in it.
      const begin = endOf(slot) - room;
      return Math.max(from, Math.ceil(begin + budget.windowMs - ms));
    }
    room -= slot.ms;
  }
  return from;
}
