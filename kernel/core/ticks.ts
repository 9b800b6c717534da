/** Ticks of one provider within a second, when nobody else does anything. */
const most = 1000;
/** How many more each command of somebody gives. */
const perCommand = 8;

/** Keeps a provider that always finds something to do by itself from filling the journal with that. */
export class Ticks {
  readonly #used = new Map<string, number>();
  readonly #told = new Set<string>();
  readonly #log: (line: string) => void;

  /** `log` hears once of each provider that was held up. */
  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Whether a provider may act by itself once more before the next second. */
  take(provider: string): boolean {
    const used = (this.#used.get(provider) ?? 0) + 1;
    if (used <= most) {
      this.#used.set(provider, used);
      return true;
    }
    if (!this.#told.has(provider))
      this.#log(`${provider} acted by itself ${most} times within a second: it waits for the next one`);
    this.#told.add(provider);
    return false;
  }

  /** Somebody commanded something, which may be what there is to do about. */
  commanded(): void {
    for (const [provider, used] of this.#used) this.#used.set(provider, Math.max(0, used - perCommand));
  }

  /** A new second. */
  begin(): void {
    this.#used.clear();
  }
}
