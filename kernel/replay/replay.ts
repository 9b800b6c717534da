import { Fault, type FaultKind, toFault } from "@skep/fault";
import { DecisionScene } from "../core/deciding.ts";
import { acceptedRecord, type Draft } from "../core/drafts.ts";
import { decided, waiting } from "../core/judged.ts";
import { Slices } from "../core/slices.ts";
import type { GateView } from "../gate/checks.ts";
import type { Intent } from "../gate/intent.ts";
import type { PolicyEngine } from "../gate/policy.ts";
import type { JournalRecord } from "../journal/record.ts";
import { type Limits, limits as standard } from "../limits.ts";
import type { Caller, Deciding, Decision, Json } from "../namespace/node.ts";
import { createTree, type Found, type Place } from "../namespace/place.ts";
import { callerOf, nobody } from "../session/authority.ts";
import type { Provider } from "../state/provider.ts";
import { Ring } from "../state/ring.ts";
import { type Difference, difference } from "./compare.ts";
import { fault } from "./faults.ts";
import { hasSecret, intentOf, replayChecks } from "./intent.ts";

/** What a replay is made of. */
export interface ReplayOptions {
  /** Fresh: their state is empty. */
  readonly providers: readonly Provider[];
  readonly version: string;
  readonly limits?: Limits;
  /** The chance of the intent that became a record; undefined where its secret is not at hand. */
  readonly chance?: ((seq: number, epoch: number) => string) | undefined;
}

/** What a record came to when it was judged again. */
export type Replayed =
  | { readonly kind: "same" }
  /** Not judged again, for that reason: it is input, or what it depended on is not in the log. */
  | { readonly kind: "taken"; readonly why: string }
  | ({ readonly kind: "differs" } & Difference);

/** What depends on the moment, and is taken from the record. */
const passing: Partial<Record<FaultKind, string>> = {
  busy: "busy",
  quota: "rate or budget",
  cut: "cut",
};

/** Refusals of tickets and envelopes, of which the log has no more than ids. */
const outside: Readonly<Record<string, string>> = {
  "gate.denied": "rights of a ticket",
  "gate.expired": "expiry of a ticket",
  "gate.fence": "epoch of an envelope",
  "gate.horizon": "age of an envelope",
  "gate.ahead": "age of an envelope",
};

class Missing extends Error {}

/**
 * A fresh kernel that judges recorded intents again, one after the other, without looking at what was decided about them
 * before it has decided itself.
 */
export class Replay {
  readonly slices: Slices;
  readonly #tree: Place;
  readonly #options: ReplayOptions;
  readonly #policy: PolicyEngine | undefined;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.slices = new Slices(options.providers, options.version);
    this.#tree = createTree(this.slices.bound.map(({ provider }) => provider));
    this.#policy = this.slices.offered("policy");
  }

  /** Takes a record as it is: what comes before the range that is judged again. */
  skip(record: JournalRecord): void {
    this.slices.apply(record);
  }

  /** Judges a record again, compares, and goes on with it. */
  step(record: JournalRecord): Replayed {
    const told = this.#again(record);
    if (told.kind !== "differs") this.slices.apply(record);
    return told;
  }

  /** Judges a refusal again in the present state: to be called when the sequence is next that was next then. */
  refusal(record: JournalRecord): Replayed {
    const { verdict, command } = record;
    const why = passing[verdict.kind as FaultKind] ?? outside[verdict.code ?? ""];
    if (why !== undefined) return { kind: "taken", why };
    if (command === null) return { kind: "taken", why: "no command, only a line that could not be read" };
    const { seq, time } = record.judged ?? record;
    return this.#compared({ ...record, seq, time }, () => this.#judged({ ...record, seq, time }));
  }

  #again(record: JournalRecord): Replayed {
    if (record.role === undefined) return this.#system(record);
    if (record.verdict.count !== undefined) return { kind: "taken", why: "a refusal, judged at its place" };
    return this.#compared(record, () => this.#judged(record));
  }

  #compared(record: JournalRecord, judge: () => Draft): Replayed {
    try {
      return this.#difference(this.#recordOf(judge(), record), record);
    } catch (thrown) {
      if (thrown instanceof Missing) return { kind: "taken", why: thrown.message };
      const refused = toFault(thrown);
      if (refused.kind === "internal" && String(refused.cause).includes("Nothing is live"))
        return { kind: "taken", why: "it asked what was live then" };
      return this.#refused(refused, record);
    }
  }

  #recordOf(draft: Draft, { seq, time, epoch, engine }: JournalRecord): JournalRecord {
    return acceptedRecord(draft, { seq, time, epoch, engine });
  }

  #difference(own: JournalRecord, stored: JournalRecord): Replayed {
    const { judged: _, ...rest } = stored;
    const found = difference(own, rest);
    return found ? { kind: "differs", ...found } : { kind: "same" };
  }

  #refused({ kind, code, message, cause }: Fault, { verdict }: JournalRecord): Replayed {
    if (!verdict.ok && verdict.code === code && verdict.kind === kind) return { kind: "same" };
    const own = { ok: false, kind, code, message: cause ? `${message}: ${String(cause)}` : message };
    return { kind: "differs", what: "verdict", own, stored: verdict as unknown as Json };
  }

  #judged(record: JournalRecord): Draft {
    const { approved } = record;
    const ran =
      approved === undefined ? undefined : [...(this.#policy?.due() ?? [])].find(({ id }) => id === approved);
    const intent = intentOf(record, this.#tree, ran);
    if (hasSecret(intent.node, record.command)) throw new Missing("a secret took part");
    const deciding = (): Deciding => this.#deciding(intent.found, intent.actor.caller, record);
    this.#check(intent, record, deciding);
    const provider = this.slices.bound[intent.found.place.owner]?.provider.name ?? "kernel";
    return intent.waits ? waiting(intent, deciding()).draft : decided(intent, deciding(), provider).draft;
  }

  #check(intent: Intent, { time, epoch }: JournalRecord, deciding: () => Deciding): void {
    const view: GateView = {
      limits: this.#options.limits ?? standard,
      kernel: this.slices.kernel,
      now: time,
      monotonic: 0,
      epoch,
      space: "ok",
      policy: this.#policy,
      bans: this.slices.offered("bans"),
      deciding,
    };
    for (const { check } of replayChecks) {
      const known = check(intent, view);
      // Such an answer makes no record: that there is one is the difference.
      if (known) throw new Fault("conflict", "replay.remembered", `Answered before, as record ${known.id}`);
    }
  }

  #deciding(found: Found, caller: Caller, { time, seq, epoch }: JournalRecord): Deciding {
    const { chance } = this.#options;
    return new DecisionScene(this.slices.bound[found.place.owner], found, caller, {
      now: time,
      next: seq,
      ring: (_path, capacity) => new Ring(capacity ?? 64 * 1024),
      chance: () => {
        if (!chance) throw new Missing("it drew chance, whose secret is not at hand");
        return chance(seq, epoch);
      },
    });
  }

  #system(record: JournalRecord): Replayed {
    const { op, provider } = commandOf(record);
    if (op === "outcome") return this.#compared(record, () => this.#outcome(record));
    if ((op !== "tick" && op !== "left") || typeof provider !== "string")
      return { kind: "taken", why: `${typeof op === "string" ? op : "an act"} of the system` };
    return this.#compared(record, () => this.#byItself(record, provider, op));
  }

  #scene(provider: string, record: JournalRecord): { readonly own: Provider; readonly deciding: Deciding } {
    const owner = this.slices.bound.findIndex((bound) => bound.provider.name === provider);
    const own = this.slices.bound[owner]?.provider;
    if (!own) throw fault.system(provider);
    const found: Found = { place: { ...this.#tree, owner }, path: record.path, params: {} };
    return { own, deciding: this.#deciding(found, callerOf(nobody, "system"), record) };
  }

  #draft(record: JournalRecord, provider: string, decision: Decision): Draft {
    const { subject, ticket, path, command, outcome } = record;
    return { subject, ticket, path, command, provider, decision, ...(outcome !== undefined && { outcome }) };
  }

  #byItself(record: JournalRecord, provider: string, op: "tick" | "left"): Draft {
    const { own, deciding } = this.#scene(provider, record);
    const { session, subject } = commandOf(record);
    const decision =
      op === "tick"
        ? own.tick?.decide(deciding as never)
        : own.left?.({ id: String(session), subject: String(subject) }, deciding as never);
    return this.#draft(record, provider, decision ?? { events: [] });
  }

  #outcome(record: JournalRecord): Draft {
    const { kind, result = null } = commandOf(record);
    const pending = this.slices.kernel.outbox.get(record.outcome ?? "");
    if (!pending || pending.kind !== kind) throw fault.gone(`effect ${record.outcome}`);
    const [name = "", what = ""] = pending.kind.split(".");
    const { own, deciding } = this.#scene(name, record);
    const decide = own.outcome as
      | ((kind: string, args: Json, result: Json, deciding: Deciding) => Decision)
      | undefined;
    try {
      return this.#draft(record, name, decide?.(what, pending.args, result, deciding) ?? { events: [] });
    } catch (thrown) {
      // What its provider cannot decide ends an effect all the same.
      if (record.events.length > 0) throw thrown;
      return this.#draft(record, name, { events: [] });
    }
  }

  /** Digest of the whole state, hex: the same for every program that folded the same records. */
  digest(): string {
    return this.slices.state.digest();
  }
}

type Command = Readonly<Record<string, Json | undefined>>;

function commandOf({ command }: JournalRecord): Command {
  return typeof command === "object" && command !== null && !Array.isArray(command)
    ? (command as Command)
    : {};
}
