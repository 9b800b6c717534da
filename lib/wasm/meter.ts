import { Ending } from "./ending.ts";

/** The fuel of a run, shared with the module's own code. */
export class Meter {
  readonly #left: WebAssembly.Global;
  readonly #limit: bigint;

  constructor(left: WebAssembly.Global, limit: bigint) {
    this.#left = left;
    this.#limit = limit;
    left.value = limit;
  }

  get exhausted(): boolean {
    return (this.#left.value as bigint) < 0n;
  }

  /** Fuel used so far, never above the limit. */
  get used(): bigint {
    return this.exhausted ? this.#limit : this.#limit - (this.#left.value as bigint);
  }

  /** Pays; ends the run when the fuel is used up. */
  spend(cost: number): void {
    this.#left.value = (this.#left.value as bigint) - BigInt(cost);
    if (this.exhausted) throw new Ending("fuel", exhaustion);
  }
}

export const exhaustion = "All fuel is used";
