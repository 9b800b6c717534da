import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { sep } from "node:path";

/** Calls that change what is on the disk; those with a descriptor count where it was opened below the folder. */
const changing = [
  "mkdirSync",
  "writeFileSync",
  "renameSync",
  "rmSync",
  "unlinkSync",
  "copyFileSync",
] as const;
const onDescriptors = ["writeSync", "fsyncSync", "fchmodSync", "ftruncateSync"] as const;

/** What a process is told by its file system after it died: it never gets to hear it. */
export class CutOff extends Error {
  constructor(step: number) {
    super(`it was killed at step ${step}`);
  }
}

type Call = (...args: unknown[]) => unknown;

/**
 * Lets this process change files below a folder so many times, and from then on never: to the disk that is a kill -9 before
 * the next step. Counts the steps that were tried. While it stands nothing else may use that folder.
 */
export class StepsOnDisk implements Disposable {
  readonly #below: string;
  readonly #most: number;
  readonly #real = new Map<string, Call>();
  readonly #descriptors = new Set<unknown>();
  steps = 0;

  constructor(folder: string, most = Number.POSITIVE_INFINITY) {
    this.#below = folder + sep;
    this.#most = most;
    const isMine = (path: unknown) => typeof path === "string" && `${path}${sep}`.startsWith(this.#below);
    for (const name of changing) this.#take(name, (args) => isMine(args[0]));
    for (const name of onDescriptors) this.#take(name, (args) => this.#descriptors.has(args[0]));
    this.#take(
      "openSync",
      (args) => isMine(args[0]) && args[1] !== undefined && args[1] !== "r",
      (args, opened) => {
        if (isMine(args[0])) this.#descriptors.add(opened);
      },
    );
    this.#take(
      "closeSync",
      () => false,
      (args) => this.#descriptors.delete(args[0]),
    );
    syncBuiltinESMExports();
  }

  #take(name: string, isStep: (args: unknown[]) => boolean, done?: (args: unknown[], made: unknown) => void) {
    const table = fs as unknown as Record<string, Call>;
    const real = table[name] as Call;
    this.#real.set(name, real);
    table[name] = (...args) => {
      if (isStep(args)) {
        this.steps += 1;
        if (this.steps > this.#most) throw new CutOff(this.#most + 1);
      }
      const made = real(...args);
      done?.(args, made);
      return made;
    };
  }

  [Symbol.dispose](): void {
    for (const [name, real] of this.#real) (fs as unknown as Record<string, Call>)[name] = real;
    syncBuiltinESMExports();
  }
}
