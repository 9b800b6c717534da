// Adds up how tests ended, file by file, so that what a second run of a file tells takes the place of the first.
import type { Outcome } from "./outcome.ts";

interface Tally {
  passed: number;
  failed: number;
  ms: number;
  /** Names of what was skipped, by the reason. */
  readonly skipped: Map<string, string[]>;
}

/** Counts of all files. */
export class Count {
  readonly #files = new Map<string, Tally>();
  /** Files that failed once and then passed. */
  readonly unsteady: string[] = [];

  #of(file: string): Tally {
    const known = this.#files.get(file);
    if (known) return known;
    const made = { passed: 0, failed: 0, ms: 0, skipped: new Map<string, string[]>() };
    this.#files.set(file, made);
    return made;
  }

  /** Takes an outcome in, and tells of a failure at once. */
  take({ name, file, nesting, suite, skip, passed, ms, why }: Outcome): void {
    const tally = this.#of(file);
    if (nesting === 0) tally.ms += ms;
    if (suite) return;
    if (skip !== undefined) tally.skipped.set(skip, [...(tally.skipped.get(skip) ?? []), name]);
    else if (passed) tally.passed += 1;
    else {
      tally.failed += 1;
      console.log(`FAIL ${file} › ${name}\n${(why ?? "").replace(/^/gm, "     ")}`);
    }
  }

  /** Lets a second run of a file count in place of the first, if nothing failed in it. */
  settle(file: string, second: Count): void {
    const tally = second.#files.get(file);
    if (!tally || tally.failed > 0 || tally.passed === 0) return;
    this.#files.set(file, tally);
    this.unsteady.push(file);
  }

  get failedFiles(): string[] {
    return [...this.#files].filter(([, { failed }]) => failed > 0).map(([file]) => file);
  }

  #sum(of: (tally: Tally) => number): number {
    return [...this.#files.values()].reduce((sum, tally) => sum + of(tally), 0);
  }

  get passed(): number {
    return this.#sum(({ passed }) => passed);
  }

  get failed(): number {
    return this.#sum(({ failed }) => failed);
  }

  /** Names of what was skipped, by the reason. */
  get skipped(): ReadonlyMap<string, readonly string[]> {
    const all = new Map<string, string[]>();
    for (const { skipped } of this.#files.values())
      for (const [reason, names] of skipped) all.set(reason, [...(all.get(reason) ?? []), ...names]);
    return all;
  }

  /** Which files made it slow. */
  get slowest(): string {
    const rows = [...this.#files].sort(([, a], [, b]) => b.ms - a.ms).slice(0, 8);
    return rows.map(([file, { ms }]) => `${file} ${(ms / 1000).toFixed(1)} s`).join(", ");
  }
}
