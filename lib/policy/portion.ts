import { cedar } from "./cedar.ts";
import { isRemembered, Remembered } from "./remembered.ts";
import type { callOf, PolicyRequest } from "./request.ts";
import type { Policy } from "./source.ts";

/** What Cedar says about a request: which policies decided, and which could not be evaluated. */
export interface Said {
  readonly allowed: boolean;
  readonly rules: readonly string[];
  readonly failed: readonly string[];
}

/** Policies that Cedar takes in at once: a few milliseconds' work. */
const atOnce = 12;

/** A portion with fewer is not closed where others read something else: to ask costs the same for one as for twelve. */
const worthIt = 6;

let made = 0;

/** Policies that Cedar holds together, and what they said, by the attributes that they and no others read. */
export class Portion {
  readonly #id: string;
  readonly #said: Remembered<Said>;

  /** Throws when Cedar does not take what was said to be checked. */
  constructor(policies: readonly Policy[]) {
    made += 1;
    this.#id = `skep-${made}`;
    const staticPolicies = Object.fromEntries(policies.map(({ id, text }) => [id, text]));
    const answer = cedar().preparsePolicySet(this.#id, { staticPolicies });
    if (answer.type === "failure") throw new Error(answer.errors[0]?.message ?? "unusable policies");
    this.#said = new Remembered(policies);
  }

  /** What was said before of a request that is the same to these policies. */
  known(request: PolicyRequest): Said | undefined {
    return this.#said.get(this.#said.keyOf(request));
  }

  /** Asks Cedar. */
  ask(request: PolicyRequest, call: ReturnType<typeof callOf>): Said {
    const answer = cedar().statefulIsAuthorized({ ...call, preparsedPolicySetId: this.#id });
    // Cedar does not take the request: it may take another that is the same to these policies.
    if (answer.type === "failure") return { allowed: false, rules: [], failed: ["request"] };
    const { decision, diagnostics } = answer.response;
    return this.#said.set(this.#said.keyOf(request), {
      allowed: decision === "allow",
      rules: diagnostics.reason,
      failed: diagnostics.errors.map(({ policyId }) => policyId),
    });
  }
}

interface Reader {
  readonly policy: Policy;
  /** What is read, in order. */
  readonly reads: string;
  /** What the policy says cannot be remembered. */
  readonly anew: boolean;
}

function readerOf(policy: Policy): Reader {
  const anew = !isRemembered(policy);
  return { policy, reads: `${anew} ${[...policy.reads].sort().join()}`, anew };
}

/** Whether a portion of so many goes on with the next. */
function goesOn(size: number, last: Reader | undefined, next: Reader | undefined): boolean {
  if (size >= atOnce || last?.anew !== next?.anew) return false;
  return size < worthIt || last?.reads === next?.reads;
}

/** Has Cedar take in policies, portion by portion: together stand those that read the same. */
export function* portionsOf(policies: readonly Policy[]): Generator<undefined, readonly Portion[]> {
  const portions: Portion[] = [];
  const sorted = policies.map(readerOf).sort((a, b) => (a.reads < b.reads ? -1 : Number(a.reads > b.reads)));
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && goesOn(to - from, sorted[to - 1], sorted[to])) to += 1;
    portions.push(new Portion(sorted.slice(from, to).map(({ policy }) => policy)));
    from = to;
    yield;
  }
  return portions;
}
