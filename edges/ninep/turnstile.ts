/**
 * Lets attaches in one by one, each in a turn of the event loop of its own: a ticket takes over a millisecond to verify,
 * and many clients may come at once.
 */
export class Turnstile {
  readonly #defer: (act: () => void) => void;
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  constructor(defer: (act: () => void) => void) {
    this.#defer = defer;
  }

  /** Undefined where nobody went through in this turn, else what resolves when it is one's turn. */
  enter(): Promise<void> | undefined {
    if (this.#taken) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#taken = true;
    this.#defer(this.#next);
    return undefined;
  }

  readonly #next = (): void => {
    const first = this.#waiting.shift();
    this.#taken = first !== undefined;
    if (!first) return;
    first();
    this.#defer(this.#next);
  };
}
