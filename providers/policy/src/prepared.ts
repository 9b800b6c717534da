import { type CheckedSet, type PolicyFiles, type PolicyRequest, PolicySet } from "@skep/policy";
import { mostSet, sizeOf } from "./size.ts";

/** Checks sets in another thread, so that the hive answers meanwhile. */
export interface Checker {
  /** What `checkSet` says of the texts; Cedar is at hand in this thread once it resolves. */
  check(files: PolicyFiles): Promise<CheckedSet>;
  /** Resolves in a later turn of the event loop. */
  laterTurn(): Promise<void>;
}

/** A set that was checked, and made ready where nothing is wrong with it. */
export interface Ready {
  readonly checked: CheckedSet;
  readonly set: PolicySet | undefined;
}

/** Sets that were made ready and not used yet. */
const most = 4;

/** Sets that were made ready before their line is judged. */
export class Prepared {
  readonly #checker: Checker | undefined;
  readonly #ready = new Map<string, Ready>();

  /** Without a checker nothing is made ready: what judges then checks by itself. */
  constructor(checker: Checker | undefined) {
    this.#checker = checker;
  }

  of(files: PolicyFiles): Ready | undefined {
    return this.#ready.get(JSON.stringify(files));
  }

  keep(files: PolicyFiles, ready: Ready): void {
    const key = JSON.stringify(files);
    this.#ready.delete(key);
    this.#ready.set(key, ready);
    const [oldest] = this.#ready.keys();
    if (this.#ready.size > most && oldest !== undefined) this.#ready.delete(oldest);
  }

  /** Makes a set ready, and what it will be asked about first; undefined when it is, or when nobody can. */
  make(files: PolicyFiles, first: readonly PolicyRequest[]): Promise<void> | undefined {
    const checker = this.#checker;
    if (!checker || this.of(files) || sizeOf(files) > mostSet) return undefined;
    return this.#make(checker, files, first);
  }

  async #make(checker: Checker, files: PolicyFiles, first: readonly PolicyRequest[]): Promise<void> {
    const checked = await checker.check(files);
    const { policies, problems } = checked;
    const pause = (): Promise<void> => checker.laterTurn();
    const set = problems.length > 0 ? undefined : await PolicySet.make(policies, pause);
    await set?.foresee(first, pause);
    this.keep(files, { checked, set });
  }
}
