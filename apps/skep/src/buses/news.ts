import type { Reading } from "./device.ts";

/** What of readings is new: a change beyond the deadband, or what was not told for long. */
export class News {
  readonly #deadbands: ReadonlyMap<string, number>;
  readonly #refreshMs: number;
  readonly #told = new Map<string, { readonly value: number; readonly at: number }>();

  constructor(points: readonly { readonly name: string; readonly deadband: number }[], refreshMs: number) {
    this.#deadbands = new Map(points.map(({ name, deadband }) => [name, deadband]));
    this.#refreshMs = refreshMs;
  }

  /** Those that are worth telling; `now` is monotonic. */
  of(readings: readonly Reading[], now: number): Reading[] {
    return readings.filter(({ point, value }) => {
      const before = this.#told.get(point);
      const deadband = this.#deadbands.get(point) ?? 0;
      const isNew =
        !before || now - before.at >= this.#refreshMs || Math.abs(value - before.value) > deadband;
      if (isNew) this.#told.set(point, { value, at: now });
      return isNew;
    });
  }

  /** Everything is new from now on. */
  forget(): void {
    this.#told.clear();
  }
}
