import { type Fault, toFault } from "@skep/fault";
import { checks, type GateView } from "../gate/checks.ts";
import type { Bans } from "../gate/bans.ts";
import type { Answer, Intent } from "../gate/intent.ts";
import type { PolicyEngine } from "../gate/policy.ts";
import { Journal } from "../journal/journal.ts";
import { encodeRecord, type JournalRecord } from "../journal/record.ts";
import { type Limits, limits as standard } from "../limits.ts";
import type { Caller, Deciding, Decision, Json, Scene } from "../namespace/node.ts";
import { createTree, type Found, type Place } from "../namespace/place.ts";
import { type Authority, callerOf, nobody } from "../session/authority.ts";
import type { SessionHost } from "../session/host.ts";
import { Session } from "../session/session.ts";
import { Effects } from "../effects/effects.ts";
import { ApprovedRuns } from "./approved.ts";
import { DecisionScene } from "./deciding.ts";
import { acceptedRecord, type Draft, type Mark, refusedRecord } from "./drafts.ts";
import { decided, waiting } from "./judged.ts";
import { Metrics } from "./metrics.ts";
import type { KernelOptions } from "./options.ts";
import { leastRecords, recover, type Recovered } from "./recover.ts";
import { Refusals } from "./refusals.ts";
import { Rings } from "./rings.ts";
import { emit } from "./slice.ts";
import type { Slices } from "./slices.ts";
import { Snapshots, snapshotEvery } from "./snapshots.ts";
import { Ticks } from "./ticks.ts";
import { HiveTime } from "./time.ts";
import { atStart, watchClock } from "./watch-clock.ts";

/** Records that streams about the journal begin with at start. */
const retold = 256;

/** The one door: sessions come in here, and every change passes `judge`. */
export class Kernel implements SessionHost {
  readonly options: KernelOptions;
  readonly limits: Limits;
  readonly journal: Journal;
  readonly slices: Slices;
  readonly time: HiveTime;
  readonly tree: Place;
  readonly metrics = new Metrics();
  readonly rings: Rings;
  readonly recovered: Recovered;
  readonly sessions = new Map<string, Session>();
  readonly effects: Effects;
  readonly snapshots: Snapshots;
  readonly #refusals = new Refusals();
  readonly #ticks = new Ticks((line) => this.options.log?.(line));
  readonly #committed: JournalRecord[] = [];
  readonly #policy: PolicyEngine | undefined;
  readonly #approved: ApprovedRuns | undefined;
  #sessions = 0;
  /** The instant of what is decided now: checks, decision and record see one time. */
  #at = 0;
  #ticking = false;
  #timer: { stop(): void } | undefined;
  #closed = false;

  private constructor(options: KernelOptions, journal: Journal, recovered: Recovered) {
    this.options = options;
    this.limits = options.limits ?? standard;
    this.journal = journal;
    this.recovered = recovered;
    this.slices = recovered.slices;
    this.time = new HiveTime(options.clock, recovered.time);
    this.tree = createTree(this.slices.bound.map(({ provider }) => provider));
    this.rings = new Rings(this);
    this.effects = new Effects(this);
    this.snapshots = new Snapshots(this);
    this.#policy = this.slices.offered("policy");
    if (this.#policy) this.#approved = new ApprovedRuns(this, this.#policy);
  }

  /** Recovers by replay and goes ONLINE. Throws `journal.*` faults when the home is damaged. */
  static async open(options: KernelOptions): Promise<Kernel> {
    let kernel: Kernel | undefined;
    const hooks = {
      defer: options.defer,
      fatal: options.fatal,
      durable: (next: number) => kernel?.settle(next),
    };
    const least = await leastRecords(options);
    const journal = await Journal.open(options.files, hooks, { segmentSize: options.segmentSize, least });
    const { files, providers, version } = options;
    const recovered = await recover(files, journal, providers, version, snapshotEvery(options));
    kernel = new Kernel(options, journal, recovered);
    await kernel.#start();
    return kernel;
  }

  async #start(): Promise<void> {
    const { kernel } = this.slices;
    const events = kernel.hive.get().id === "" ? [emit("born@1", this.options.born())] : [];
    const epoch = kernel.epoch.get() + 1;
    events.push(emit("started@1", { epoch }));
    events.push(emit("lifecycle@1", atStart(kernel.lifecycle.get(), this.time)));
    for (const { provider, slice } of this.slices.bound)
      (provider.opened as ((state: unknown, runtime: Rings) => void) | undefined)?.(slice, this.rings);
    await this.#catchUpIndex();
    const { records } = this.journal.segments;
    for await (const record of this.journal.records(Math.max(0, records - retold), records))
      this.rings.told(record);
    this.#instant();
    this.#accept(
      {
        subject: "system",
        ticket: [],
        path: "/",
        command: { op: "start" },
        provider: "kernel",
        decision: { events },
      },
      epoch,
    );
    await this.settled();
    this.snapshots.begin();
    this.effects.resume();
    this.#beat();
  }

  // The index is written behind the journal, so a crash may have cost it its end, or all of it.
  async #catchUpIndex(): Promise<void> {
    const { index } = this.options;
    if (!index) return;
    for await (const record of this.journal.records(index.upTo, this.journal.segments.records))
      index.add(this.rings.indexed(record), record.seq + 1);
  }

  /** A session for a verified ticket. */
  attach(authority: Authority, edge: string): Session {
    this.#sessions += 1;
    const session = new Session(this, `s${this.#sessions}`, authority, edge);
    this.sessions.set(session.id, session);
    this.metrics.counts.attached += 1;
    return session;
  }

  ended({ id, subject }: { readonly id: string; readonly subject: string }): void {
    this.sessions.delete(id);
    if (this.#closed) return;
    for (const { provider } of this.slices.bound)
      if (provider.left)
        this.#byItself(
          provider.name,
          { op: "left", provider: provider.name, session: id, subject },
          (deciding) => provider.left?.({ id, subject }, deciding as never),
        );
  }

  // Nobody hears of what fails here but the operator, and what comes after it must go on.
  #byItself(
    provider: string,
    command: { readonly op: string; readonly [more: string]: string },
    decide: (deciding: Deciding) => Decision | undefined,
  ): void {
    try {
      this.system(provider, "/", command, decide);
    } catch (error) {
      this.options.log?.(`${command.op} of ${provider} failed: ${String((error as Error).stack)}`);
    }
  }

  get space(): GateView["space"] {
    return this.options.space?.() ?? "ok";
  }

  /** Resolves when everything decided so far is durable; undefined when it is. */
  settled(): Promise<void> | undefined {
    return this.journal.durableUpTo(this.journal.next);
  }

  laterTurn(): Promise<void> {
    return new Promise((resolve) => this.options.defer(resolve));
  }

  scene(found: Found, caller: Caller): Scene {
    return this.slices.scene(found.place.owner, {
      params: found.params,
      path: found.path,
      caller,
      now: this.time.now(),
      seq: this.journal.next - 1,
      ring: this.#ring,
    });
  }

  readonly #chance = (): string => this.options.chance(this.journal.next, this.slices.kernel.epoch.get());

  readonly #ring: Scene["ring"] = (path, capacity) => this.rings.ring(path, capacity);

  #view(): GateView {
    return {
      limits: this.limits,
      kernel: this.slices.kernel,
      now: this.#instant(),
      monotonic: this.time.monotonic(),
      epoch: this.slices.kernel.epoch.get(),
      space: this.space,
      policy: this.#policy,
      bans: this.slices.offered<Bans>("bans"),
      deciding: this.#decidingOf,
    };
  }

  /** A new instant. */
  #instant(): number {
    this.#at = this.time.now();
    return this.#at;
  }

  readonly #decidingOf = ({ found, actor }: Intent): Deciding => this.#deciding(found, actor.caller);

  /** Gate, decision and draft of one line; the answer may leave once `settled`. Throws the fault of a refusal. */
  judge(intent: Intent): Answer {
    try {
      const view = this.#view();
      for (const { check } of checks) {
        const known = check(intent, view);
        if (known) {
          this.metrics.counts.remembered += 1;
          return known;
        }
      }
      return intent.waits ? this.#wait(intent) : this.#decide(intent);
    } catch (thrown) {
      const fault = toFault(thrown);
      this.#refused(intent, fault);
      throw fault;
    }
  }

  #refused(intent: Intent, fault: Fault): void {
    this.metrics.counts.refused += 1;
    this.metrics.pressure[fault.row.reason] += 1;
    const judged = { seq: this.journal.next, time: this.#at };
    if (intent.known) this.#refusals.add(intent, fault, judged);
    if (fault.kind === "internal")
      this.options.log?.(
        `internal error at ${intent.found.path}: ${String((fault.cause as Error)?.stack ?? fault.cause)}`,
      );
  }

  #deciding(found: Found, caller: Caller): Deciding {
    return new DecisionScene(this.slices.bound[found.place.owner], found, caller, {
      now: this.#at,
      next: this.journal.next,
      ring: this.#ring,
      chance: this.#chance,
    });
  }

  #owner({ found }: Intent): string {
    return this.slices.bound[found.place.owner]?.provider.name ?? "kernel";
  }

  #decide(intent: Intent): Answer {
    const { draft, result } = decided(intent, this.#decidingOf(intent), this.#owner(intent));
    const seq = this.#accept(draft);
    return result === null ? { id: seq, verdict: "ok" } : { id: seq, verdict: "ok", result };
  }

  /** Stores an intent until it is approved. What could not run now is refused now. */
  #wait(intent: Intent): Answer {
    const { draft, answer } = waiting(intent, this.#decidingOf(intent));
    this.#accept(draft);
    return answer;
  }

  /** Something that the system itself decides for a provider, such as a tick or an outcome. */
  system(
    provider: string,
    path: string,
    command: Json,
    decide: (deciding: Deciding) => Decision | undefined,
    outcome?: string,
  ): number | undefined {
    const owner = this.slices.bound.findIndex((bound) => bound.provider.name === provider);
    const found: Found = { place: { ...this.tree, owner }, path, params: {} };
    this.#instant();
    const decision = decide(this.#deciding(found, callerOf(nobody, "system")));
    if (!decision) return undefined;
    return this.#accept({
      subject: "system",
      ticket: [],
      path,
      command,
      provider,
      decision,
      ...(outcome === undefined ? {} : { outcome }),
    });
  }

  #accept(draft: Draft, epoch = this.slices.kernel.epoch.get()): number {
    const record = acceptedRecord(draft, this.#mark(epoch));
    const bytes = encodeRecord(record);
    this.slices.draft(record);
    this.#push(record, bytes);
    this.metrics.counts.accepted += 1;
    if (draft.ticket.length > 0) this.#ticks.commanded();
    this.#tickSoon();
    return record.seq;
  }

  #mark(epoch = this.slices.kernel.epoch.get()): Mark {
    return { seq: this.journal.next, epoch, time: this.#at, engine: this.options.version };
  }

  #push(record: JournalRecord, bytes: Uint8Array): void {
    this.journal.push(bytes);
    this.#committed.push(record);
  }

  /** Called by the journal: everything below `next` is durable. Notifies and starts effects, in order. */
  settle(next: number): void {
    const { index } = this.options;
    while ((this.#committed[0]?.seq ?? next) < next) {
      const record = this.#committed.shift() as JournalRecord;
      this.rings.notify(record);
      if (index) index.add(this.rings.indexed(record), record.seq + 1);
      for (const effect of record.effects) this.effects.start(effect);
    }
    this.snapshots.due();
  }

  #tickSoon(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    this.options.defer(() => {
      this.#ticking = false;
      if (!this.#closed) this.tick();
    });
  }

  /** Lets every provider do what is due, and runs what was approved. */
  tick(): void {
    this.#approved?.run();
    const now = this.time.now();
    for (const { provider, slice } of this.slices.bound) {
      const next = provider.tick?.next(slice as never);
      if (next === undefined || next > now || !this.#ticks.take(provider.name)) continue;
      this.#byItself(provider.name, { op: "tick", provider: provider.name }, (deciding) =>
        provider.tick?.decide(deciding as never),
      );
    }
  }

  #beat(): void {
    this.#timer = this.options.clock.after(1000, () => {
      if (this.#closed) return;
      this.#journalRefusals();
      watchClock(this, () => this.#confirming());
      for (const session of this.sessions.values()) session.beat();
      this.#ticks.begin();
      this.tick();
      this.#beat();
    });
  }

  #confirming(): boolean {
    return this.#committed.some(({ events }) => events.some(({ t }) => t === "kernel:lifecycle@1"));
  }

  #journalRefusals(): void {
    this.#instant();
    for (const refused of this.#refusals.take()) {
      const record = refusedRecord(refused, this.#mark());
      this.#push(record, encodeRecord(record));
    }
  }

  /** No new work from now on; what runs may end. A hive that stands still has nothing that could. */
  drain(reason: string): void {
    const lifecycle = this.slices.kernel.lifecycle.get();
    if (lifecycle.state === "QUIESCED") return;
    this.system("kernel", "/proc/lifecycle", { op: "drain" }, () => ({
      events: [emit("lifecycle@1", { ...lifecycle, state: "DRAINING", reason, since: this.time.now() })],
    }));
  }

  /** Ends sessions, waits for the disk, closes the journal. */
  async close(): Promise<void> {
    this.#timer?.stop();
    this.#journalRefusals();
    await this.settled();
    for (const session of [...this.sessions.values()]) session.close("hive stops");
    this.#closed = true;
    await this.effects.close();
    for (const { provider } of this.slices.bound)
      await provider.closed?.().catch((error) => this.options.log?.(`${provider.name} not closed: ${error}`));
    await this.snapshots.close();
    await this.journal.close();
    await this.options.index?.close();
  }
}
