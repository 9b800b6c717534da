import { Ending } from "./ending.ts";
import { frameLimit, fuelOf, mostFuel, payment, tallyOf, tooDeep } from "./tally.ts";

/** The fuel and the frames of a run, shared with the module's own code. */
export class Meter {
  readonly #tally: WebAssembly.Global;
  readonly #limit: bigint;

  constructor(tally: WebAssembly.Global, fuel: bigint) {
    this.#tally = tally;
    this.#limit = fuel > mostFuel ? mostFuel : fuel;
    tally.value = tallyOf(this.#limit);
  }

  get #now(): bigint {
    return this.#tally.value as bigint;
  }

  /** Fuel used so far, never above the limit. */
  get used(): bigint {
    return this.#now < 0n ? this.#limit : this.#limit - fuelOf(this.#now);
  }

  /** The limit that is overrun, if one is. */
  get overrun(): Ending | undefined {
    if (this.#now < 0n) return new Ending("fuel", `All ${this.#limit} units of fuel are used`);
    if (tooDeep(this.#now)) return new Ending("depth", `Calls are nested deeper than ${frameLimit} frames`);
    return undefined;
  }

  /** Pays; ends the run when the fuel is used up. */
  spend(cost: number): void {
    this.#tally.value = this.#now - BigInt(payment(cost));
    if (this.#now < 0n) throw this.overrun;
  }
}
