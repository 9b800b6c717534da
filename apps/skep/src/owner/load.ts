import { existsSync, readFileSync } from "node:fs";
import { type Caps, checkOwner, noRules, parseOwner, printProblem, type Rules } from "@skep/owner";

/** Rules, and the file that they are from. */
export interface Loaded {
  readonly rules: Rules;
  readonly file: string | undefined;
}

/** The first of these files that is there counts; where there is none, there are no rules. Throws `owner.rules`. */
export function loadRules(files: readonly string[]): Loaded {
  const file = files.find((one) => existsSync(one));
  return { rules: file === undefined ? noRules : parseOwner(readFileSync(file, "utf8"), file), file };
}

/** The same after a change: a file that is wrong now changes nothing but that work stands still, and says why. */
export function reloadRules(files: readonly string[], before: Loaded): Loaded & { readonly broken?: string } {
  const file = files.find((one) => existsSync(one));
  if (file === undefined) return { rules: noRules, file };
  try {
    const checked = checkOwner(readFileSync(file, "utf8"), file);
    if ("rules" in checked) return { rules: checked.rules, file };
    return { ...before, file, broken: checked.problems.slice(0, 1).map(printProblem).join() };
  } catch (thrown) {
    return { ...before, file, broken: `${file} cannot be read: ${(thrown as Error).message}` };
  }
}

/** Whether caps changed: they count from the next start of the worker on. */
export function sameCaps(one: Caps, other: Caps): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
