import { type Clock, delay } from "@skep/clock";
import { Fault, toFault } from "@skep/fault";
import type { Entry, Memory, Report } from "./memory.ts";
import type { Act, Evidence, Target } from "./target.ts";

/** A ticket as `pending.json` of an agent's directory tells it. */
export interface Pending {
  readonly id: string;
  readonly n: number;
  readonly state: "queued" | "claimed" | "running";
  readonly action: string;
  readonly target: string;
  readonly params: Act["params"];
  readonly before: Evidence | null;
  readonly since_ms: number;
}

/** What acting on tickets needs. */
export interface TicketDeps {
  pending(): Promise<readonly Pending[]>;
  /** Says one line to the hive; resolves once that is durable there. Throws the fault of a refusal. */
  say(line: object): Promise<void>;
  /** What acts of this kind are done to. Throws where there is none. */
  target(kind: string): Target;
  /** Asked before each act, so that a change of the machine's rules counts at once. Throws why it may not be done. */
  check(action: string, target: string): void;
  readonly memory: Memory;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

// Hosts and buses refuse alike, each under its own name.
const isState = (code: string): boolean => code.endsWith(".state");
const isUnknown = (code: string): boolean => code.endsWith(".unknown");

const kindOf = (action: string): string => action.slice(0, action.indexOf("."));

/** Acts that only look: they change nothing, and may be done again. */
const looks: ReadonlySet<string> = new Set(["status"]);

const mostReason = 500;
const mostOutput = 4000;
/** Of one member of an evidence, characters. */
const mostEvidence = 256;
/** Of an output as JSON writes it; what is longer, of characters that it escapes, is cut shorter. */
const mostWritten = 8000;
/** What does not answer when it is asked about its past is asked again for so long, milliseconds. */
const patienceMs = 30_000;
/** An act that does not end by itself is given up, milliseconds. */
const longestAct = 3_600_000;

// What a hive refused for its length would be told again for ever.
function cut(evidence: Evidence | undefined): Evidence | undefined {
  if (!evidence) return undefined;
  const pairs = Object.entries(evidence).map(([name, value]) => [
    name,
    typeof value === "string" ? value.slice(0, mostEvidence) : value,
  ]);
  return Object.fromEntries(pairs);
}

/** What a target tells of itself. Throws where it is not there. */
const seen = async (provider: Target, { target, verb, signal }: Act): Promise<Evidence | undefined> =>
  cut(await provider.evidence(target, verb, signal));

function endOf(output: string): string {
  const end = output.slice(-mostOutput);
  return JSON.stringify(end).length > mostWritten ? end.slice(-mostWritten / 8) : end;
}

const reportOf = (
  state: Report["state"],
  reason: string,
  evidence: Evidence | undefined,
  output = "",
): Report => ({
  state,
  reason: reason.slice(0, mostReason),
  evidence: evidence ?? null,
  output: endOf(output),
});

/**
 * Takes tickets, acts, and tells what came of it. Before something is begun both this machine and the hive have written
 * down what the target told of itself; so after a crash the target itself tells whether it was done.
 */
export class Tickets {
  readonly #deps: TicketDeps;
  /** What is under way, by its target: one thing at a time is done to each. */
  readonly #busy = new Map<string, Promise<void>>();
  /** Looks there were, those under way, and by its target how many there had been when something ended there. */
  #looks = 0;
  #looking = 0;
  readonly #ended = new Map<string, number>();

  constructor(deps: TicketDeps) {
    this.#deps = deps;
  }

  /** Takes up every ticket that waits; resolves when they are under way, and calls `again` as each ends. */
  async drive(again: () => void): Promise<void> {
    if (this.#looking === 0) this.#ended.clear();
    this.#looks += 1;
    const look = this.#looks;
    this.#looking += 1;
    const waiting = await this.#deps.pending().finally(() => {
      this.#looking -= 1;
    });
    for (const ticket of waiting) {
      const place = `${kindOf(ticket.action)} ${ticket.target}`;
      // What ended since this look may be told here as it was before: the look that its end begins tells what is.
      if (this.#busy.has(place) || (this.#ended.get(place) ?? 0) >= look) continue;
      const work = this.#one(ticket)
        .catch((thrown) => this.#later(ticket.id, thrown))
        .finally(() => {
          this.#busy.delete(place);
          this.#ended.set(place, this.#looks);
          again();
        });
      this.#busy.set(place, work);
    }
  }

  // What could not be told or written is taken up again, and not at once.
  async #later(id: string, thrown: unknown): Promise<void> {
    const { log, clock, signal } = this.#deps;
    log(`ticket ${id}: ${toFault(thrown).message}`);
    await delay(clock, 1000, signal).catch(() => undefined);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values());
  }

  async #one(ticket: Pending): Promise<void> {
    const { memory, say } = this.#deps;
    const { id, n, state } = ticket;
    const kept = memory.get(id);
    const entry = kept?.n === n ? kept : undefined;
    const report = entry?.report ?? this.#past(ticket, entry);
    if (report) {
      // The hive went back to before the claim.
      if (state === "queued") await say({ op: "claim", ticket: id });
      return this.#tell(id, report);
    }
    // What the hive has written down of a start is as good as our own.
    if (state === "running") return this.#resume(ticket, entry?.begun?.before ?? ticket.before);
    if (state === "queued") memory.put(id, { n });
    await say({ op: "claim", ticket: id });
    return this.#begin(ticket);
  }

  // One that waits though it was taken here, or begun: it is not done again.
  #past({ id, n, state }: Pending, entry: Entry | undefined): Report | undefined {
    const { memory } = this.#deps;
    if (state !== "queued" || (entry ? entry.begun === undefined : n > memory.cursor)) return undefined;
    const report = reportOf("unknown", "it was taken before, and the hive went back since", undefined);
    memory.put(id, { n, report });
    return report;
  }

  #act({ id, action, target, params }: Pending): Act {
    const verb = action.slice(action.indexOf(".") + 1);
    const signal = AbortSignal.any([this.#deps.signal, AbortSignal.timeout(longestAct)]);
    return { verb, target, params, ticket: id, signal };
  }

  // Throws why nothing may be done.
  #allowed({ action, target }: Pending): Target {
    this.#deps.check(action, target);
    return this.#deps.target(kindOf(action));
  }

  async #begin(ticket: Pending): Promise<void> {
    const act = this.#act(ticket);
    let provider: Target;
    let before: Evidence | undefined;
    try {
      provider = this.#allowed(ticket);
      before = await seen(provider, act);
    } catch (thrown) {
      this.#deps.signal.throwIfAborted();
      return this.#end(ticket, reportOf("failed", toFault(thrown).message, undefined));
    }
    this.#deps.memory.put(ticket.id, {
      n: ticket.n,
      begun: { before: before ?? null, at: this.#deps.clock.now() },
    });
    await this.#running(ticket, before);
    await this.#perform(ticket, provider, act, before);
  }

  // A connection that was lost may have told it already.
  async #running(ticket: Pending, before: Evidence | undefined): Promise<void> {
    try {
      await this.#deps.say({ op: "running", ticket: ticket.id, before: before ?? null });
    } catch (thrown) {
      if (!isState(toFault(thrown).code)) throw thrown;
      const [now] = (await this.#deps.pending()).filter(({ id, n }) => id === ticket.id && n === ticket.n);
      if (now?.state === "running") return;
      this.#deps.memory.forget(ticket.id);
      throw thrown;
    }
  }

  async #perform(ticket: Pending, provider: Target, act: Act, before: Evidence | undefined): Promise<void> {
    let output: string | undefined;
    try {
      ({ output } = await provider.act(act));
    } catch (thrown) {
      this.#deps.signal.throwIfAborted();
      return this.#end(ticket, await this.#failed(provider, act, before, thrown));
    }
    const now = await seen(provider, act).catch(() => undefined);
    const unchanged = before !== undefined && now !== undefined && provider.done(act, before, now) === "no";
    if (unchanged && !looks.has(act.verb))
      return this.#end(ticket, reportOf("failed", "the target's evidence did not change", now, output));
    return this.#end(ticket, reportOf("succeeded", "", now, output));
  }

  async #failed(provider: Target, act: Act, before: Evidence | undefined, thrown: unknown): Promise<Report> {
    const { message, code } = toFault(thrown);
    const told = thrown instanceof Fault ? message : String((thrown as Error).message);
    if (!code.endsWith(".lost")) return reportOf("failed", told, undefined);
    const now = await this.#settled(provider, act, before, provider.settleMs);
    if (provider.done(act, before, now) === "yes") return reportOf("succeeded", "", now);
    return reportOf("unknown", told, now);
  }

  /** What the target tells once it shows the act as done, or once nothing can be under way there any more. */
  async #settled(
    provider: Target,
    act: Act,
    before: Evidence | undefined,
    ms: number,
  ): Promise<Evidence | undefined> {
    const { clock, signal } = this.#deps;
    const until = clock.monotonic() + ms;
    for (;;) {
      let dark = false;
      const now = await seen(provider, act).catch(() => {
        dark = true;
        return undefined;
      });
      const late = clock.monotonic() >= until + (dark ? patienceMs : 0);
      if (late || (!dark && provider.done(act, before, now) === "yes")) return now;
      await delay(clock, 250, signal);
    }
  }

  async #resume(ticket: Pending, before: Evidence | null): Promise<void> {
    const { log, clock } = this.#deps;
    const { id } = ticket;
    const act = this.#act(ticket);
    let provider: Target;
    try {
      provider = this.#deps.target(kindOf(ticket.action));
    } catch (thrown) {
      return this.#end(ticket, reportOf("unknown", `begun before: ${toFault(thrown).message}`, undefined));
    }
    const was = before ?? undefined;
    // The last asking may have been by a start that went on with it, long after the ticket was begun.
    const asked = Math.max(ticket.since_ms, this.#deps.memory.get(id)?.begun?.at ?? 0);
    const left = Math.max(0, provider.settleMs - Math.max(0, clock.now() - asked));
    const now = await this.#settled(provider, act, was, left);
    const done = looks.has(act.verb) ? "no" : provider.done(act, was, now);
    log(`ticket ${id} was begun before this start: done=${done}`);
    if (done === "yes")
      return this.#end(ticket, reportOf("succeeded", "seen after a restart of the agent", now));
    if (done === "unknown")
      return this.#end(
        ticket,
        reportOf("unknown", "begun before a restart of the agent, and the target does not tell", now),
      );
    try {
      this.#allowed(ticket);
    } catch (thrown) {
      return this.#end(ticket, reportOf("failed", toFault(thrown).message, now));
    }
    this.#deps.memory.put(id, { n: ticket.n, begun: { before, at: clock.now() } });
    return this.#perform(ticket, provider, act, was);
  }

  async #end(ticket: Pending, report: Report): Promise<void> {
    const kept = this.#deps.memory.get(ticket.id);
    const entry = { ...(kept?.begun && { begun: kept.begun }), n: ticket.n, report };
    this.#deps.memory.put(ticket.id, entry);
    await this.#tell(ticket.id, report);
  }

  async #tell(id: string, report: Report): Promise<void> {
    const { say, memory, log } = this.#deps;
    try {
      await say({ op: "report", ticket: id, ...report });
    } catch (thrown) {
      const { code, message } = toFault(thrown);
      if (!isState(code) && !isUnknown(code)) throw thrown;
      log(`ticket ${id}: ${message}`);
    }
    memory.forget(id);
    log(`ticket ${id} ${report.state}${report.reason === "" ? "" : `: ${report.reason}`}`);
  }
}
