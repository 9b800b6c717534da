import { cedar } from "./cedar.ts";
import { stretchOf } from "./instants.ts";
import type { Need } from "./need.ts";
import { attributes, callOf, fleeting, type PolicyRequest } from "./request.ts";
import type { Policy } from "./source.ts";

/** What a set says about a request. */
export interface Decided {
  /** `ask`: not before what `needs` names. */
  readonly decision: "allow" | "deny" | "ask";
  /** Ids of the policies that decided; none when nothing permits it. */
  readonly rules: readonly string[];
  readonly needs: readonly Need[];
  /** What an operator wrote about the first rule. */
  readonly reason?: string;
}

/** Remembered decisions of one set. */
const most = 10_000;

let made = 0;

function prepared(policies: readonly Policy[]): string {
  made += 1;
  const id = `skep-${made}`;
  const staticPolicies = Object.fromEntries(policies.map(({ id: name, text }) => [name, text]));
  const answer = cedar().preparsePolicySet(id, { staticPolicies });
  if (answer.type === "failure") throw new Error(answer.errors[0]?.message ?? "unusable policies");
  return id;
}

/** Policies that were checked, ready to decide. Decisions are remembered by the attributes that the policies read. */
export class PolicySet {
  readonly policies: ReadonlyMap<string, Policy>;
  /** Attributes of a request that matter to some policy. */
  readonly reads: ReadonlySet<string>;
  readonly #hard: string;
  readonly #asking: string | undefined;
  readonly #known = new Map<string, Decided>();
  readonly #remembers: boolean;
  readonly #parts: readonly ((request: PolicyRequest) => string | number | boolean)[];
  /** How often Cedar was asked, for figures. */
  evaluations = 0;

  /** Throws when Cedar does not take what was said to be checked. */
  constructor(policies: readonly Policy[]) {
    this.policies = new Map(policies.map((policy) => [policy.id, policy]));
    this.reads = new Set(policies.flatMap(({ reads }) => [...reads]));
    this.#hard = prepared(policies.filter(({ need }) => !need));
    const asking = policies.filter(({ need }) => need);
    this.#asking = asking.length === 0 ? undefined : prepared(asking);
    const timed = policies.filter(({ reads }) => [...fleeting].some((name) => reads.has(name)));
    this.#remembers = timed.every((policy) => policy.instants !== undefined);
    const instants = [...new Set(timed.flatMap((policy) => policy.instants ?? []))].sort((a, b) => a - b);
    this.#parts = Object.entries(attributes)
      .filter(([name]) => this.reads.has(name))
      .map(([name, read]) => (name === "now" ? ({ now }) => stretchOf(instants, now) : read));
  }

  /** Pure: the same request gives the same answer. What cannot be evaluated is denied. */
  decide(request: PolicyRequest): Decided {
    if (!this.#remembers) return this.#evaluate(request);
    let key = "";
    for (const read of this.#parts) key += `${read(request)}\n`;
    const known = this.#known.get(key);
    if (known) return known;
    const decided = this.#evaluate(request);
    if (this.#known.size >= most) this.#known.clear();
    this.#known.set(key, decided);
    return decided;
  }

  #ask(id: string, call: ReturnType<typeof callOf>): { allowed: boolean; rules: string[]; failed: string[] } {
    this.evaluations += 1;
    const answer = cedar().statefulIsAuthorized({ ...call, preparsedPolicySetId: id });
    if (answer.type === "failure") return { allowed: false, rules: [], failed: ["request"] };
    const { decision, diagnostics } = answer.response;
    return {
      allowed: decision === "allow",
      rules: [...diagnostics.reason].sort(),
      failed: diagnostics.errors.map(({ policyId }) => policyId),
    };
  }

  #evaluate(request: PolicyRequest): Decided {
    const call = callOf(request);
    const hard = this.#ask(this.#hard, call);
    // Cedar passes over a policy that fails: a forbid that fails would let through what it forbids.
    if (hard.failed.length > 0) return { decision: "deny", rules: hard.failed, needs: [] };
    if (!hard.allowed) return this.#told("deny", hard.rules, []);
    if (this.#asking === undefined) return this.#told("allow", hard.rules, []);
    const asked = this.#ask(this.#asking, call);
    if (asked.failed.length > 0) return { decision: "deny", rules: asked.failed, needs: [] };
    const needs = asked.rules.flatMap((id) => this.policies.get(id)?.need ?? []);
    return needs.length === 0 ? this.#told("allow", hard.rules, []) : this.#told("ask", asked.rules, needs);
  }

  #told(decision: Decided["decision"], rules: readonly string[], needs: readonly Need[]): Decided {
    const reason = this.policies.get(rules[0] ?? "")?.reason;
    return { decision, rules, needs, ...(reason === undefined ? {} : { reason }) };
  }
}
