import type { Kernel } from "@skep/kernel";
import type { WitnessesView, WitnessStanding } from "@skep/provider-audit";
import type { GovernedView } from "@skep/provider-policy";
import { createVerifier, printCheckpoint, type Signer, signNote } from "@skep/tlog";
import { realClock } from "../clock.ts";
import type { HiveKeys } from "../hive/keys.ts";
import { witnessPolicy, Witnesses } from "./ask.ts";

interface Deps {
  readonly home: string;
  readonly keys: HiveKeys;
  readonly signer: Signer;
  readonly kernel: () => Kernel;
  readonly say: (line: string) => void;
}

/** Asks those witnesses that are in force, and others once others are. */
export class Asking implements WitnessesView {
  readonly #deps: Deps;
  readonly #ends = new AbortController();
  #text = "";
  #witnesses: Witnesses | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  get cosigned(): string {
    return this.#witnesses?.cosigned ?? "";
  }

  get standing(): readonly WitnessStanding[] {
    return this.#witnesses?.standing ?? [];
  }

  #inForce(): Witnesses | undefined {
    const text = this.#deps.kernel().slices.view<GovernedView>("governed").witnesses ?? "";
    if (text === this.#text) return this.#witnesses;
    this.#text = text;
    this.#witnesses = text === "" ? undefined : this.#made(text);
    return this.#witnesses;
  }

  #made(text: string): Witnesses {
    const { home, keys, signer, kernel, say } = this.#deps;
    const own = createVerifier(keys.origin, Buffer.from(keys.log.publicKey, "hex"));
    const head = () => {
      const { tree } = kernel().journal;
      const { size } = tree;
      const text = printCheckpoint({ origin: keys.origin, size, root: tree.root() });
      return { checkpoint: signNote(text, [signer]), size };
    };
    const tile = (level: number, index: number, width: number) =>
      kernel().journal.tree.tile(level, index, width);
    return new Witnesses(home, witnessPolicy(text, own), { head, tile }, { say, now: () => realClock.now() });
  }

  /** Asks again and again, each time the log has grown. */
  start(every: number): void {
    const { signal } = this.#ends;
    const next = (): void => {
      const asked = this.#inForce()?.ask(signal) ?? Promise.resolve();
      void asked.finally(() => {
        if (!signal.aborted) realClock.after(every, next);
      });
    };
    next();
  }

  stop(): void {
    this.#ends.abort();
  }
}
