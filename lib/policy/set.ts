import type { Need } from "./need.ts";
import { type Portion, portionsOf, type Said } from "./portion.ts";
import { Remembered } from "./remembered.ts";
import { callOf, type PolicyRequest } from "./request.ts";
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

/** Those that decide, and those that ask. */
interface Held {
  readonly hard: readonly Portion[];
  readonly asking: readonly Portion[];
}

function* holding(policies: readonly Policy[]): Generator<undefined, Held> {
  const hard = yield* portionsOf(policies.filter(({ need }) => !need));
  return { hard, asking: yield* portionsOf(policies.filter(({ need }) => need)) };
}

function whole(policies: readonly Policy[]): Held {
  const steps = holding(policies);
  for (let step = steps.next(); ; step = steps.next()) if (step.done) return step.value;
}

const nobody: PolicyRequest = {
  subject: "nobody",
  role: "observer",
  path: "/",
  act: "write",
  class: "reversible",
  data: false,
  now: 0,
  lifecycle: "ONLINE",
};

/** Policies that were checked, ready to decide. Decisions are remembered by the attributes that the policies read; so is what each portion says. */
export class PolicySet {
  readonly policies: ReadonlyMap<string, Policy>;
  /** Attributes of a request that matter to some policy. */
  readonly reads: ReadonlySet<string>;
  readonly #held: Held;
  readonly #known: Remembered<Decided>;
  /** How often Cedar was asked, for figures. */
  evaluations = 0;

  /** Throws when Cedar does not take what was said to be checked. */
  constructor(policies: readonly Policy[], held: Held = whole(policies)) {
    this.#held = held;
    this.policies = new Map(policies.map((policy) => [policy.id, policy]));
    this.reads = new Set(policies.flatMap(({ reads }) => [...reads]));
    this.#known = new Remembered(policies);
  }

  /** The same as the constructor in pieces of a few milliseconds; `pause` is awaited between them. */
  static async make(policies: readonly Policy[], pause: () => Promise<void>): Promise<PolicySet> {
    const steps = holding(policies);
    for (let step = steps.next(); ; step = steps.next()) {
      await pause();
      if (!step.done) continue;
      const set = new PolicySet(policies, step.value);
      await pause();
      for (const _ of set.#warming()) await pause();
      return set;
    }
  }

  /** Decides something, so that the first real decision does not wait for what Cedar makes at its first one. */
  warm(): void {
    for (const _ of this.#warming());
  }

  *#warming(): Generator<undefined> {
    const call = callOf(nobody);
    for (const portion of [...this.#held.hard, ...this.#held.asking]) {
      portion.ask(nobody, call);
      yield;
    }
  }

  /** Pure: the same request gives the same answer. What cannot be evaluated is denied. */
  decide(request: PolicyRequest): Decided {
    const key = this.#known.keyOf(request);
    const known = this.#known.get(key);
    if (known) return known;
    const steps = this.#evaluate(request);
    for (let step = steps.next(); ; step = steps.next())
      if (step.done) return this.#known.set(key, step.value);
  }

  /** Decides requests in pieces of a millisecond or two, so that they are remembered when they are decided at once. */
  async foresee(requests: Iterable<PolicyRequest>, pause: () => Promise<void>): Promise<void> {
    for (const request of requests) {
      const key = this.#known.keyOf(request);
      if (key === undefined || this.#known.get(key)) continue;
      const steps = this.#evaluate(request);
      for (let step = steps.next(); ; step = steps.next()) {
        await pause();
        if (!step.done) continue;
        this.#known.set(key, step.value);
        break;
      }
    }
  }

  /** What portions say together: a forbid in any of them forbids, else a permit in any permits. */
  *#ask(portions: readonly Portion[], request: PolicyRequest): Generator<undefined, Said> {
    const said: Said[] = [];
    let call: ReturnType<typeof callOf> | undefined;
    for (const portion of portions) {
      const known = portion.known(request);
      if (known) {
        said.push(known);
        continue;
      }
      this.evaluations += 1;
      call ??= callOf(request);
      said.push(portion.ask(request, call));
      yield;
    }
    const failed = said.flatMap((each) => each.failed).sort();
    const forbids = said.filter(({ allowed, rules }) => !allowed && rules.length > 0);
    const telling = forbids.length > 0 ? forbids : said.filter(({ allowed }) => allowed);
    const rules = telling.flatMap((each) => each.rules).sort();
    return { allowed: forbids.length === 0 && telling.length > 0, rules, failed };
  }

  *#evaluate(request: PolicyRequest): Generator<undefined, Decided> {
    const { hard: plain, asking } = this.#held;
    const hard = yield* this.#ask(plain, request);
    // Cedar passes over a policy that fails: a forbid that fails would let through what it forbids.
    if (hard.failed.length > 0) return { decision: "deny", rules: hard.failed, needs: [] };
    if (!hard.allowed) return this.#told("deny", hard.rules, []);
    const asked = yield* this.#ask(asking, request);
    if (asked.failed.length > 0) return { decision: "deny", rules: asked.failed, needs: [] };
    const needs = asked.rules.flatMap((id) => this.policies.get(id)?.need ?? []);
    return needs.length === 0 ? this.#told("allow", hard.rules, []) : this.#told("ask", asked.rules, needs);
  }

  #told(decision: Decided["decision"], rules: readonly string[], needs: readonly Need[]): Decided {
    const reason = this.policies.get(rules[0] ?? "")?.reason;
    return { decision, rules, needs, ...(reason === undefined ? {} : { reason }) };
  }
}
