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

/** What Cedar says about a request: which policies decided, and which could not be evaluated. */
interface Said {
  readonly allowed: boolean;
  readonly rules: readonly string[];
  readonly failed: readonly string[];
}

/** Remembered decisions of one set. */
const most = 10_000;

/** Policies that Cedar takes in at once: a few milliseconds' work. */
const atOnce = 12;

let made = 0;

/** Names under which Cedar holds the policies that decide, and those that ask. */
interface Held {
  readonly hard: readonly string[];
  readonly asking: readonly string[];
}

function heldAs(policies: readonly Policy[]): string {
  made += 1;
  const id = `skep-${made}`;
  const staticPolicies = Object.fromEntries(policies.map(({ id: name, text }) => [name, text]));
  const answer = cedar().preparsePolicySet(id, { staticPolicies });
  if (answer.type === "failure") throw new Error(answer.errors[0]?.message ?? "unusable policies");
  return id;
}

/** Has Cedar take in a set, portion by portion. */
function* holding(policies: readonly Policy[]): Generator<undefined, Held> {
  const held: { readonly hard: string[]; readonly asking: string[] } = { hard: [], asking: [] };
  for (const [kind, those] of [
    ["hard", policies.filter(({ need }) => !need)],
    ["asking", policies.filter(({ need }) => need)],
  ] as const)
    for (let at = 0; at < those.length; at += atOnce) {
      held[kind].push(heldAs(those.slice(at, at + atOnce)));
      yield;
    }
  return held;
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

/** Policies that were checked, ready to decide. Decisions are remembered by the attributes that the policies read. */
export class PolicySet {
  readonly policies: ReadonlyMap<string, Policy>;
  /** Attributes of a request that matter to some policy. */
  readonly reads: ReadonlySet<string>;
  readonly #held: Held;
  readonly #known = new Map<string, Decided>();
  readonly #remembers: boolean;
  readonly #parts: readonly ((request: PolicyRequest) => string | number | boolean)[];
  /** How often Cedar was asked, for figures. */
  evaluations = 0;

  /** Throws when Cedar does not take what was said to be checked. */
  constructor(policies: readonly Policy[], held: Held = whole(policies)) {
    this.#held = held;
    this.policies = new Map(policies.map((policy) => [policy.id, policy]));
    this.reads = new Set(policies.flatMap(({ reads }) => [...reads]));
    const timed = policies.filter(({ reads }) => [...fleeting].some((name) => reads.has(name)));
    this.#remembers = timed.every((policy) => policy.instants !== undefined);
    const instants = [...new Set(timed.flatMap((policy) => policy.instants ?? []))].sort((a, b) => a - b);
    this.#parts = Object.entries(attributes)
      .filter(([name]) => this.reads.has(name))
      .map(([name, read]) => (name === "now" ? ({ now }) => stretchOf(instants, now) : read));
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
    for (const id of [...this.#held.hard, ...this.#held.asking]) {
      this.#askOne(id, call);
      yield;
    }
    this.evaluations = 0;
  }

  /** Pure: the same request gives the same answer. What cannot be evaluated is denied. */
  decide(request: PolicyRequest): Decided {
    const key = this.#keyOf(request);
    const known = key === undefined ? undefined : this.#known.get(key);
    if (known) return known;
    const steps = this.#evaluate(request);
    for (let step = steps.next(); ; step = steps.next())
      if (step.done) return this.#remember(key, step.value);
  }

  /** Decides requests in pieces of a millisecond or two, so that they are remembered when they are decided at once. */
  async foresee(requests: Iterable<PolicyRequest>, pause: () => Promise<void>): Promise<void> {
    for (const request of requests) {
      const key = this.#keyOf(request);
      if (key === undefined || this.#known.has(key)) continue;
      const steps = this.#evaluate(request);
      for (let step = steps.next(); ; step = steps.next()) {
        await pause();
        if (!step.done) continue;
        this.#remember(key, step.value);
        break;
      }
    }
  }

  /** The values of what the policies read; undefined where nothing can be remembered. */
  #keyOf(request: PolicyRequest): string | undefined {
    if (!this.#remembers) return undefined;
    let key = "";
    for (const read of this.#parts) key += `${read(request)}\n`;
    return key;
  }

  #remember(key: string | undefined, decided: Decided): Decided {
    if (key === undefined) return decided;
    if (this.#known.size >= most) this.#known.clear();
    this.#known.set(key, decided);
    return decided;
  }

  /** What one or more portions say together: a forbid in any of them forbids, else a permit in any permits. */
  *#ask(ids: readonly string[], call: ReturnType<typeof callOf>): Generator<undefined, Said> {
    const said: Said[] = [];
    for (const id of ids) {
      said.push(this.#askOne(id, call));
      yield;
    }
    const failed = said.flatMap((each) => each.failed);
    const forbids = said.filter(({ allowed, rules }) => !allowed && rules.length > 0);
    const telling = forbids.length > 0 ? forbids : said.filter(({ allowed }) => allowed);
    const rules = telling.flatMap((each) => each.rules).sort();
    return { allowed: forbids.length === 0 && telling.length > 0, rules, failed };
  }

  #askOne(id: string, call: ReturnType<typeof callOf>): Said {
    this.evaluations += 1;
    const answer = cedar().statefulIsAuthorized({ ...call, preparsedPolicySetId: id });
    if (answer.type === "failure") return { allowed: false, rules: [], failed: ["request"] };
    const { decision, diagnostics } = answer.response;
    return {
      allowed: decision === "allow",
      rules: diagnostics.reason,
      failed: diagnostics.errors.map(({ policyId }) => policyId),
    };
  }

  *#evaluate(request: PolicyRequest): Generator<undefined, Decided> {
    const call = callOf(request);
    const { hard: plain, asking } = this.#held;
    const hard = yield* this.#ask(plain, call);
    // Cedar passes over a policy that fails: a forbid that fails would let through what it forbids.
    if (hard.failed.length > 0) return { decision: "deny", rules: hard.failed, needs: [] };
    if (!hard.allowed) return this.#told("deny", hard.rules, []);
    const asked = yield* this.#ask(asking, call);
    if (asked.failed.length > 0) return { decision: "deny", rules: asked.failed, needs: [] };
    const needs = asked.rules.flatMap((id) => this.policies.get(id)?.need ?? []);
    return needs.length === 0 ? this.#told("allow", hard.rules, []) : this.#told("ask", asked.rules, needs);
  }

  #told(decision: Decided["decision"], rules: readonly string[], needs: readonly Need[]): Decided {
    const reason = this.policies.get(rules[0] ?? "")?.reason;
    return { decision, rules, needs, ...(reason === undefined ? {} : { reason }) };
  }
}
