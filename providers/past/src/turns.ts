import { faults } from "@skep/fault";

const fault = faults("past", {
  crowded: ["busy", "Cannot look into the past: too many questions wait", { cure: "Try again in a moment" }],
});

/** Lets so many acts run at a time, the others in order; throws `past.crowded` when too many wait. */
export class Turns {
  readonly #atOnce: number;
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number, most: number) {
    this.#atOnce = atOnce;
    this.#most = most;
  }

  async take<T>(act: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running += 1;
    else {
      if (this.#waiting.length >= this.#most) throw fault.crowded();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await act();
    } finally {
      // The place is handed on, so that nobody who comes now is before who waits.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
