import { type Problem, Refused } from "@skep/http-client";

const cures: Readonly<Record<string, string>> = {
  "http.unarmed": "Arm the page: it only reads until then",
  "http.ticket": "Run `skep ui` again",
  "http.proof": "Run `skep ui` again",
  "client.unreachable": "The page tries again by itself; is the hive up?",
};

/** A problem that the page itself has. */
export function ownProblem(code: string, detail: string, next?: string): Problem {
  const made = { type: "about:blank", title: "failed", status: 0, kind: "failed", reason: "policy" } as const;
  return { ...made, code, detail, ...(next !== undefined && { next }) };
}

/** Whatever was thrown, as a problem with a next step where one is known. */
export function problemOf(thrown: unknown): Problem {
  const found =
    thrown instanceof Refused
      ? thrown.problem
      : ownProblem("page.failed", thrown instanceof Error ? thrown.message : String(thrown));
  const next = found.next ?? cures[found.code];
  return next === undefined ? found : { ...found, next };
}
