/** What the hive says when it refuses: `application/problem+json`. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly kind?: string;
  readonly reason?: string;
  readonly next?: string;
}

/** A refusal, with its stable code and next step. */
export class Refusal extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "Refusal";
    this.problem = problem;
  }
}

const cures: Readonly<Record<string, string>> = {
  "http.unarmed": "Arm the page: it only reads until then",
  "http.ticket": "Run `skep ui` again",
  "http.proof": "Run `skep ui` again",
  "page.unreachable": "The page tries again by itself; is the hive up?",
};

/** Whatever was thrown, as a problem with a next step where one is known. */
export function problemOf(thrown: unknown): Problem {
  const found: Problem =
    thrown instanceof Refusal
      ? thrown.problem
      : { status: 0, code: "page.failed", detail: thrown instanceof Error ? thrown.message : String(thrown) };
  const next = found.next ?? cures[found.code];
  return next === undefined ? found : { ...found, next };
}

/** The problem in an answer's body, or one made of its status. */
export function readProblem(status: number, text: string): Problem {
  try {
    const body = JSON.parse(text) as Partial<Problem>;
    if (typeof body.code === "string")
      return { ...body, status, code: body.code, detail: body.detail ?? body.code };
  } catch {
    // Not of the hive: a proxy in between.
  }
  return { status, code: `http.${status}`, detail: `The server answered ${status}` };
}
