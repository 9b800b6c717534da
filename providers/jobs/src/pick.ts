import { heldBy } from "./bans.ts";
import { type Job, type Jobs, turnsOfAge } from "./model.ts";
import { fits, type Machine, type Machines, machineOf } from "./place.ts";
import { ncuOfSlotHour, priority } from "./priority.ts";
import { recentMs, sizeMs } from "./queue.ts";
import { isApart, mayAnswer } from "./replicate-place.ts";

const hour = 3_600_000;
/** The largest job, milliseconds: what `size` is a part of. */
const largest = hour;
/** Lanes that one decision looks at, oldest first. */
const mostLanes = 1024;
/** Jobs of a lane that are passed over because their turn is not now. */
const mostPassed = 80;

/** What the ledger knows of an owner; 0 for all while there is none. */
export type NcuOf = (owner: string) => number;

interface Candidate {
  readonly job: Job;
  readonly value: number;
}

/** What one owner would have next. */
interface Claim {
  /** Over its part of the slots while others wait. */
  readonly over: boolean;
  /** The highest priority of its jobs: explicit priority orders within an owner and moves nothing before others. */
  readonly value: number;
  readonly first: Job;
}

const isBefore = (one: Job, other: Job): boolean =>
  one.submitted !== other.submitted ? one.submitted < other.submitted : Number(one.id) < Number(other.id);

/** Chooses what is leased next; within one decision it remembers what it chose. */
export class Picker {
  readonly #state: Jobs;
  readonly #now: number;
  readonly #views: Machines;
  readonly #ncuOf: NcuOf;
  readonly #gone: ReadonlySet<string>;
  readonly #machines = new Map<string, Machine>();
  readonly #taken = new Map<string, string[]>();
  readonly #running = new Map<string, number>();
  #turn: number;

  /** `gone` are jobs that this decision ends. */
  constructor(
    state: Jobs,
    views: Machines,
    now: number,
    { gone = new Set(), ncuOf = () => 0 }: { gone?: ReadonlySet<string>; ncuOf?: NcuOf } = {},
  ) {
    this.#state = state;
    this.#views = views;
    this.#now = now;
    this.#gone = gone;
    this.#ncuOf = ncuOf;
    this.#turn = state.turn.get();
  }

  machine(id: string): Machine {
    const known = this.#machines.get(id) ?? machineOf(this.#state, this.#views, id);
    this.#machines.set(id, known);
    return known;
  }

  /** The job that a worker should have next, as leased to it from now on; undefined where nothing waits for it. */
  take(worker: string): Job | undefined {
    const machine = this.machine(worker);
    const heads = this.#heads(machine);
    const [only] = heads;
    const byAge = this.#turn === turnsOfAge - 1;
    const job = heads.length <= 1 ? only : byAge ? oldest(heads) : this.#best(heads);
    if (!job) return undefined;
    this.#turn = (this.#turn + 1) % turnsOfAge;
    this.#taken.set(job.id, [...(this.#taken.get(job.id) ?? []), worker]);
    this.#running.set(job.owner, this.#runningOf(job.owner) + 1);
    return job;
  }

  /** Whether a worker would get something of what waits. */
  wants(worker: string): boolean {
    return this.#heads(this.machine(worker)).length > 0;
  }

  /** Whether this worker may have one more copy of a job: never twice, and never two machines of one owner where copies must agree. */
  mayHave(job: Job, machine: Machine, apart = job.want > 1): boolean {
    const holders = [...job.leases.map(({ worker }) => worker), ...(this.#taken.get(job.id) ?? [])];
    if (holders.length >= job.want || holders.includes(machine.id)) return false;
    if (heldBy(this.#state, job)) return false;
    if (!mayAnswer(this.#state, job, machine.id, this.#now)) return false;
    if (job.declined.some(({ worker, until }) => worker === machine.id && until > this.#now)) return false;
    if (this.#state.sweeping.size > 0 && this.#state.sweeping.has(job.array)) return false;
    if (!apart) return true;
    return (
      holders.every((holder) => this.machine(holder).owner !== machine.owner) &&
      (this.#state.standings.size === 0 || isApart(this.#state, machine.id, holders))
    );
  }

  /** Whether a machine may have a second one of a job that another has. */
  mayCopy(job: Job, machine: Machine): boolean {
    return fits(job, machine) && this.mayHave({ ...job, want: job.leases.length + 1 }, machine, false);
  }

  #heads(machine: Machine): Job[] {
    const heads: Job[] = [];
    let looked = 0;
    for (const { first } of this.#state.lanes.values()) {
      if (looked >= mostLanes) break;
      looked += 1;
      const head = this.#state.jobs.get(first);
      if (!head || !fits(head, machine)) continue;
      const job = this.#firstFor(head, machine);
      if (job) heads.push(job);
    }
    return heads;
  }

  #firstFor(head: Job, machine: Machine): Job | undefined {
    const { jobs, queue } = this.#state;
    let job: Job | undefined = head;
    for (let passed = 0; job && passed < mostPassed; passed += 1) {
      if (!this.#gone.has(job.id) && this.mayHave(job, machine)) return job;
      job = jobs.get(queue.get(job.id)?.after ?? "");
    }
    return undefined;
  }

  #runningOf(owner: string): number {
    return this.#running.get(owner) ?? this.#state.usage.get(owner)?.running ?? 0;
  }

  /** The part of all slots that each owner has who has or wants work. */
  #part(heads: readonly Job[]): number {
    let slots = 0;
    for (const { present, slots: own } of this.#state.capacity.values()) if (present) slots += own;
    const owners = new Set(heads.map(({ owner }) => owner));
    for (const [owner, { running }] of this.#state.usage.entries()) if (running > 0) owners.add(owner);
    return Math.max(1, Math.ceil(slots / Math.max(1, owners.size)));
  }

  #value(job: Job): number {
    const used = (recentMs(this.#state, job.owner, this.#now) / hour) * ncuOfSlotHour;
    return priority({
      ncu: this.#ncuOf(job.owner),
      votes: { net: 0, voters: 0 },
      size: sizeMs(job) / largest,
      waitedMs: this.#now - job.submitted,
      used,
    });
  }

  #best(heads: readonly Job[]): Job | undefined {
    const part = this.#part(heads);
    const owners = new Map<string, Candidate[]>();
    for (const job of heads) {
      const own = owners.get(job.owner) ?? [];
      own.push({ job, value: this.#value(job) });
      owners.set(job.owner, own);
    }
    let best: Claim | undefined;
    for (const [owner, own] of owners) {
      const claim = { over: this.#runningOf(owner) >= part, ...ofOwner(own) };
      if (!best || isAhead(claim, best)) best = claim;
    }
    return best?.first;
  }
}

function oldest(heads: readonly Job[]): Job | undefined {
  return heads.reduce((one, other) => (isBefore(other, one) ? other : one));
}

/** Which of its own jobs an owner would have first, and what it weighs against others'. */
function ofOwner(own: readonly Candidate[]): Pick<Claim, "value" | "first"> {
  const [first, ...others] = own as [Candidate, ...Candidate[]];
  const sooner = (one: Candidate, other: Candidate): boolean => {
    if (one.job.priority !== other.job.priority) return one.job.priority > other.job.priority;
    return one.value === other.value ? isBefore(one.job, other.job) : one.value > other.value;
  };
  const chosen = others.reduce((one, other) => (sooner(other, one) ? other : one), first);
  return { first: chosen.job, value: Math.max(...own.map(({ value }) => value)) };
}

function isAhead(one: Claim, other: Claim): boolean {
  if (one.over !== other.over) return other.over;
  return one.value === other.value ? isBefore(one.first, other.first) : one.value > other.value;
}
