import { placeOf, type Problem } from "./positions.ts";
import type { ActClass, PolicyRequest } from "./request.ts";
import type { PolicySet } from "./set.ts";
import type { PolicyFiles } from "./source.ts";

/** What an act is where a case does not say so. */
export type Describe = (path: string, act: string) => { readonly class: ActClass; readonly data: boolean };

/** One case of an `x.test.json`, which is a list of them. */
interface Case {
  readonly name: string;
  readonly subject: string;
  readonly role: string;
  readonly path: string;
  readonly act: string;
  readonly expect: "allow" | "deny" | "ask";
  readonly rules?: readonly string[];
  readonly class?: ActClass;
  readonly data?: boolean;
  readonly at?: string;
  readonly lifecycle?: string;
  readonly label?: string;
  readonly work?: string;
  readonly machine?: string;
}

/** Days from 1970 to a date of the Gregorian calendar. */
function daysTo(year: number, month: number, day: number): number {
  // Years that begin in March end with the leap day.
  const from = month > 2 ? year : year - 1;
  const leaps = Math.floor(from / 4) - Math.floor(from / 100) + Math.floor(from / 400);
  return from * 365 + leaps + Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 719_469;
}

function instantOf(text: string): number | undefined {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?Z$/.exec(text);
  if (!found) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map((part) => Number(part ?? 0));
  return ((daysTo(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1000;
}

const needed = ["name", "subject", "role", "path", "act", "expect"] as const;
const optional = ["rules", "class", "data", "at", "lifecycle", "label", "machine", "work"] as const;

function misfit(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "a case is an object";
  const found = value as Readonly<Record<string, unknown>>;
  for (const name of needed) if (typeof found[name] !== "string") return `a case needs the text "${name}"`;
  const all: readonly string[] = [...needed, ...optional];
  const odd = Object.keys(found).find((name) => !all.includes(name));
  if (odd !== undefined) return `a case has no "${odd}"`;
  if (!["allow", "deny", "ask"].includes(String(found.expect))) return 'expect is "allow", "deny" or "ask"';
  if (found.at !== undefined && instantOf(String(found.at)) === undefined)
    return '"at" is no time such as 2026-01-31T12:00:00Z';
  return undefined;
}

function requestOf(given: Case, describe: Describe): PolicyRequest {
  const { subject, role, path, act, at, lifecycle, label, machine, work } = given;
  const told = describe(path, act);
  return {
    subject,
    role,
    path,
    act,
    class: given.class ?? told.class,
    data: given.data ?? told.data,
    now: instantOf(at ?? "") ?? 0,
    lifecycle: lifecycle ?? "ONLINE",
    label,
    work,
    machine,
  };
}

function failure(given: Case, set: PolicySet, describe: Describe): string | undefined {
  const { decision, rules } = set.decide(requestOf(given, describe));
  const by = rules.length === 0 ? "nothing permits it" : `by ${rules.join(", ")}`;
  if (decision !== given.expect) return `expected ${given.expect}, is ${decision}: ${by}`;
  const missing = (given.rules ?? []).find((rule) => !rules.includes(rule));
  return missing === undefined ? undefined : `expected the rule ${missing}, is ${by}`;
}

/** What running the cases of a set gave. */
export interface Tested {
  readonly passed: number;
  readonly problems: readonly Problem[];
}

function parsed(name: string, text: string): readonly unknown[] | Problem {
  const wrong = (message: string): Problem => ({
    file: name,
    line: 1,
    column: 1,
    message,
    cure: "write a JSON list of cases: name, subject, role, path, act, expect",
  });
  try {
    const cases: unknown = JSON.parse(text);
    return Array.isArray(cases) ? cases : wrong("no list of cases");
  } catch (error) {
    return wrong(error instanceof Error ? error.message : "no JSON");
  }
}

/** What is wrong with one case of a file; undefined when it holds. */
function problemWith(
  value: unknown,
  { file, text }: { readonly file: string; readonly text: string },
  set: PolicySet,
  describe: Describe,
): Problem | undefined {
  const odd = misfit(value);
  if (odd !== undefined)
    return {
      file,
      line: 1,
      column: 1,
      message: odd,
      cure: "see `skep help policy test` for what a case has",
    };
  const given = value as Case;
  const wrong = failure(given, set, describe);
  if (wrong === undefined) return undefined;
  const at = placeOf(text, Math.max(0, text.indexOf(JSON.stringify(given.name))));
  return { file, ...at, message: `case "${given.name}": ${wrong}`, cure: "correct the policies or the case" };
}

/** Runs the cases beside the policies. */
export function testPolicies(files: PolicyFiles, set: PolicySet, describe: Describe): Tested {
  const problems: Problem[] = [];
  let run = 0;
  for (const [file, text] of Object.entries(files)) {
    if (!file.endsWith(".test.json")) continue;
    const cases = parsed(file, text);
    if (!Array.isArray(cases)) problems.push(cases as Problem);
    const list: readonly unknown[] = Array.isArray(cases) ? cases : [];
    run += list.length;
    problems.push(...list.flatMap((value) => problemWith(value, { file, text }, set, describe) ?? []));
  }
  return { passed: Math.max(0, run - problems.length), problems };
}
