import { createHash } from "node:crypto";
import { canonical } from "@skep/canon";
import { type Fault, toFault } from "@skep/fault";
import type { Approved, Emitted, PolicyAsk, PolicyEngine, PolicyVerdict } from "@skep/kernel";
import { type Decided, type PolicyFiles, type PolicyRequest, PolicySet, readPolicies } from "@skep/policy";
import { isMet, startOf } from "./approvals.ts";
import { fault } from "./faults.ts";
import { emit, type KeptNeed, type PolicySlice, type Version } from "./model.ts";
import { type Checker, Prepared, type Ready } from "./prepared.ts";
import { present } from "./queue-need.ts";
import { enrolmentOf } from "./signers.ts";
import { statementOf } from "./statement.ts";

/** Actions that may wait at once. */
const mostWaiting = 1000;

/** What changes by what and whom the hive is judged, and what is left to judge it by. */
const governed = new Set(["apply", "rollback", "signers", "retention", "witnesses"]);

const day = 86_400_000;

/** Asked for beside the rules in force once there is somebody else who can sign. */
const secondPerson: KeptNeed = {
  rule: "second-person",
  mode: "wait",
  approvals: 1,
  ttl: day,
  by: "signer",
  self: false,
};

/** Asked for an irreversible act on data: the signature of who does it. */
const operatorSignature: KeptNeed = {
  rule: "operator-signature",
  mode: "wait",
  approvals: 1,
  role: "operational",
  ttl: day,
  by: "signer",
  self: true,
};

/** SHA-256 of what an action is: the same line at the same path once more is the same action. */
function digestOf({ path, command }: PolicyAsk): string {
  return createHash("sha256")
    .update(canonical([path, command]))
    .digest("hex");
}

/** Names of version and rules, as records carry them; made once for each decision that is remembered. */
const names = new WeakMap<Decided, string>();

function nameOf(version: number, decided: Decided): string {
  let name = names.get(decided);
  if (name === undefined) {
    name = [`v${version}`, ...decided.rules].join(" ").slice(0, 255);
    names.set(decided, name);
  }
  return name;
}

const open: Decided = { decision: "allow", rules: [], needs: [] };

/** Judges intents by the policies in force; the view that the kernel's gate asks. */
export class Engine implements PolicyEngine {
  readonly #slice: PolicySlice;
  /** Milliseconds that an irreversible act waits after its approval. */
  readonly #grace: number;
  #compiled: { readonly of: Version; readonly set: PolicySet } | undefined;

  readonly #prepared: Prepared;

  constructor(slice: PolicySlice, grace: number, checker?: Checker) {
    this.#slice = slice;
    this.#prepared = new Prepared(checker);
    this.#grace = grace;
  }

  get active(): boolean {
    return this.#inForce !== undefined || this.#slice.signers.get() !== null;
  }

  // A version without texts is that before the first one: nothing is judged by rules.
  get #inForce(): Version | undefined {
    const of = this.#slice.force.get();
    return of && Object.keys(of.files).length > 0 ? of : undefined;
  }

  /** The policies in force, ready to decide; undefined when there are none. Made once for each version. */
  get set(): PolicySet | undefined {
    const of = this.#inForce;
    if (!of) return undefined;
    if (this.#compiled?.of !== of) {
      // They were validated when they came; what no act is called any more is no reason not to start.
      const known = this.#prepared.of(of.files)?.set;
      this.#compiled = { of, set: known ?? new PolicySet(readPolicies(of.files)) };
    }
    return this.#compiled.set;
  }

  /** Makes ready what is in force, before the first line is judged by it. */
  open(): void {
    this.set?.warm();
  }

  /**
   * Has texts checked and made ready in another thread, and what they will be asked about `first` decided bit by bit;
   * undefined when there is nothing to wait for.
   */
  prepare(files: PolicyFiles | undefined, first: readonly PolicyRequest[]): Promise<void> | undefined {
    return files && Object.keys(files).length > 0 ? this.#prepared.make(files, first) : undefined;
  }

  /** What was made ready of texts; otherwise what `make` makes of them now. */
  ready(files: PolicyFiles, make: () => Ready): Ready {
    const known = this.#prepared.of(files) ?? make();
    this.#prepared.keep(files, known);
    return known;
  }

  /** What policies say about an act, with what is asked for whatever they say. */
  decide(ask: PolicyAsk): Decided {
    const { path, act, subject, as: role, class: kind, data, now, lifecycle } = ask;
    const { set } = this;
    const decided = set
      ? set.decide({
          subject,
          role,
          path,
          act,
          class: kind,
          data,
          now,
          lifecycle,
          ...(["label", "machine", "work"].some((name) => set.reads.has(name)) ? ask.about() : {}),
        })
      : open;
    if (decided.decision === "deny") return decided;
    const own = this.#builtIn(ask);
    // What the rules ask of signers themselves is what they want.
    if (!own || decided.needs.some(({ by, mode }) => by === "signer" && mode === "wait")) return decided;
    return {
      ...decided,
      decision: "ask",
      rules: [...decided.rules, own.rule],
      needs: [...decided.needs, own],
    };
  }

  /** What is asked whatever the rules say, once there are people who can sign. */
  #builtIn({ path, act, class: kind, data }: PolicyAsk): KeptNeed | undefined {
    const owners = enrolmentOf(this.#slice.signers.get())?.owners("operational").length ?? 0;
    if (path === "/policy/ctl" && governed.has(act)) return owners < 2 ? undefined : secondPerson;
    return owners > 0 && kind === "irreversible" && data ? operatorSignature : undefined;
  }

  judge(ask: PolicyAsk): PolicyVerdict {
    const decided = this.decide(ask);
    const policy = nameOf(this.#slice.force.get()?.version ?? 0, decided);
    const deny = (why: Fault): PolicyVerdict => ({ verdict: "deny", policy, fault: why });
    if (decided.decision === "deny") return deny(this.#denial(ask, decided));
    const events: Emitted[] = [];
    for (const need of decided.needs) {
      if (need.mode !== "present") continue;
      const given = present(this.#slice, ask.path, need, ask.now);
      if (!("found" in given)) return deny(this.#absent(ask, need, given));
      events.push(emit("consumed@1", { ids: given.found, rule: need.rule }));
    }
    const waits = decided.needs.filter(({ mode }) => mode === "wait");
    if (ask.waiting !== undefined) return this.#again(ask, policy, waits, events);
    if (waits.length === 0) return { verdict: "allow", policy, events };
    return this.#store(ask, policy, waits);
  }

  #denial({ act, path }: PolicyAsk, { rules, reason }: Decided): Fault {
    const what = `${act} at ${path}`;
    if (rules.length === 0) return fault.unpermitted(what);
    const said = reason === undefined ? "" : `: ${reason}`;
    return fault.denied(`${what} by ${rules.join(", ")}${said}`);
  }

  #absent(
    { path }: PolicyAsk,
    { rule }: KeptNeed,
    given: { readonly denied: string } | { readonly missing: number },
  ): Fault {
    if ("denied" in given) return fault.refusedBy(`${path} by ${given.denied}`);
    const line = JSON.stringify({ id: "ID", target: path, decision: "approve" });
    return fault.approval(`${path}, rule ${rule}`, {
      cure: `Queue one: \`skep echo '${line}' /actions/queue\``,
    });
  }

  #again(ask: PolicyAsk, policy: string, waits: readonly KeptNeed[], events: Emitted[]): PolicyVerdict {
    const id = ask.waiting ?? "";
    const action = this.#slice.actions.get(id);
    if (action?.state !== "approved") return { verdict: "deny", policy, fault: fault.notReady(id) };
    if (action.target !== ask.target()) return { verdict: "deny", policy, fault: fault.changed(id) };
    if (!isMet(action, waits, enrolmentOf(this.#slice.signers.get()), ask.now))
      return { verdict: "deny", policy, fault: fault.needs(id) };
    return { verdict: "allow", policy, events: [...events, emit("ran@1", { id })] };
  }

  /** The action that waits for the same already. Throws `policy.keyed`, `.full`. */
  #waiting(ask: PolicyAsk, digest: string): string | undefined {
    const { actions, open: held } = this.#slice;
    let waiting = 0;
    for (const name of held.keys()) {
      const id = name.slice(2);
      const action = name.startsWith("a:") ? actions.get(id) : undefined;
      if (!action) continue;
      waiting += 1;
      if (action.subject !== ask.subject || action.key !== (ask.key ?? null)) continue;
      if (action.digest === digest) return id;
      if (ask.key !== undefined) throw fault.keyed(ask.key);
    }
    if (waiting >= mostWaiting) throw fault.full(mostWaiting);
    return undefined;
  }

  #store(ask: PolicyAsk, policy: string, needs: readonly KeptNeed[]): PolicyVerdict {
    if (ask.line === undefined) return { verdict: "deny", policy, fault: fault.secret(ask.path) };
    const digest = digestOf(ask);
    let known: string | undefined;
    try {
      known = this.#waiting(ask, digest);
    } catch (thrown) {
      return { verdict: "deny", policy, fault: toFault(thrown) };
    }
    if (known !== undefined) return { verdict: "wait", policy, known, events: [] };
    const ttl = Math.min(...needs.map((need) => need.ttl));
    const version = this.#slice.force.get()?.version ?? 0;
    const statement = statementOf(ask, { version, needs, id: String(ask.next()), ttl });
    const { path, act, class: kind, line, key = null, role, blocks, right = null } = ask;
    const asked = emit("asked@1", {
      path,
      act,
      class: kind,
      line,
      digest,
      key,
      role,
      blocks: blocks.map((block) => ({ ...block })),
      expiresAt: ask.expiresAt ?? null,
      right,
      target: ask.target(),
      needs,
      statement,
      expires: ask.now + ttl,
    });
    return { verdict: "wait", policy, events: [asked] };
  }

  *due(now = Number.POSITIVE_INFINITY): Iterable<Approved> {
    const { ready, actions } = this.#slice;
    for (const [id, approved] of ready.entries()) {
      const action = actions.get(id);
      if (!action || startOf(action, approved, this.#grace) > now) continue;
      const { path, line, key, subject, role, blocks, expiresAt, right } = action;
      yield {
        id,
        path,
        line,
        key: key ?? undefined,
        subject,
        role,
        blocks,
        expiresAt: expiresAt ?? undefined,
        right: right ?? undefined,
      };
    }
  }

  stale(id: string, { code, message }: Fault): readonly Emitted[] {
    return [emit("closed@1", { id, state: "stale", why: `${code}: ${message}` })];
  }
}
