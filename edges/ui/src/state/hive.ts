import { type Reason, reasons } from "../palette.ts";
import {
  type Act,
  dress,
  enter,
  type Flight,
  isEnded,
  type Job,
  judge,
  type Machine,
  Newest,
  type Pulse,
  type Refused,
  reasonOf,
} from "./model.ts";
import { toldOf } from "./told.ts";

/** Small files of the hive whose JSON is shown as it is. */
export type Facts = Readonly<Record<string, unknown>>;

/** Of an act that waits for approval. */
const waits = "gate.waits";

/** Jobs that are remembered; older ones are read when they are opened. */
const mostJobs = 2000;
const mostFlights = 400;

function strange(id: string): Machine {
  const empty = {
    info: {},
    state: "unknown",
    rest: "unknown",
    reason: "",
    class: "",
    role: "",
    site: "",
  } as const;
  return { id, ...empty, slots: 0, running: new Set(), load: 0 };
}

/** Everything that the page knows of a hive. It is changed in place, many times a second, and tells so at a pace. */
export class HiveState {
  readonly machines = new Map<string, Machine>();
  readonly jobs = new Map<string, Job>();
  readonly refusals = new Newest<Refused>(300);
  readonly acts = new Newest<Act>(300);
  readonly log = new Newest<string>(500);
  readonly flights = new Newest<Flight>(mostFlights);
  readonly pulses = new Newest<Pulse>(mostFlights);
  readonly pressure = new Map<Reason, number>();
  /** Until when each machine's leases hold, by the hive's clock, as its last renewal said. */
  readonly leases = new Map<string, number>();
  /** What became of acts that policies stored, by their number. */
  readonly actions = new Map<string, string>();
  /** Small files by their path: state, sessions, boot, nodes … */
  readonly facts = new Map<string, unknown>();
  /** Machines that look otherwise since the scene was last drawn. */
  readonly touched = new Set<string>();
  /** Grows with every machine that comes or goes. */
  membership = 0;
  version = 0;
  /** Events of the hive that were taken in. */
  events = 0;
  /** What was told of machines by whoever invited them. */
  readonly #nodes = new Map<string, Facts>();
  readonly #watchers = new Set<() => void>();
  readonly #after: (act: () => void) => void;
  readonly #now: () => number;
  #isTelling = false;

  /** `after` runs an act soon, once per pace; `now` is the page's own clock in milliseconds. */
  constructor(after: (act: () => void) => void, now: () => number) {
    this.#after = after;
    this.#now = now;
  }

  watch(act: () => void): () => void {
    this.#watchers.add(act);
    return () => this.#watchers.delete(act);
  }

  #changed(): void {
    this.version += 1;
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#after(() => {
      this.#isTelling = false;
      for (const act of this.#watchers) act();
    });
  }

  fact(path: string): Facts {
    const found = this.facts.get(path);
    return typeof found === "object" && found !== null ? (found as Facts) : {};
  }

  setFact(path: string, value: unknown): void {
    this.facts.set(path, value);
    const reason = /^\/proc\/pressure\/(\w+)/.exec(path)?.[1];
    const known = reasons.find((one) => one === reason);
    if (known) this.pressure.set(known, Number((value as Facts)[known] ?? 0));
    if (path === "/net/nodes.json") this.#setNodes(value);
    this.#changed();
  }

  /** Sets which stored acts there are. */
  setActions(ids: readonly string[]): void {
    for (const id of this.actions.keys()) if (!ids.includes(id)) this.actions.delete(id);
    this.setFact("/actions", ids);
  }

  setAction(id: string, state: string): void {
    this.actions.set(id, state);
    this.#changed();
  }

  /** How many acts wait for people. */
  get waiting(): number {
    let count = 0;
    for (const state of this.actions.values()) if (state === "waiting") count += 1;
    return count;
  }

  // Where a machine stands and what it is was told by whoever invited it.
  #setNodes(value: unknown): void {
    if (!Array.isArray(value)) return;
    this.#nodes.clear();
    for (const node of value as Facts[]) {
      const id = String(node.id ?? node.name ?? node.node);
      this.#nodes.set(id, node);
      const machine = this.machines.get(id);
      if (!machine) continue;
      const site = machine.site;
      dress(machine, { ...node, ...machine.info });
      if (machine.site !== site) this.membership += 1;
      this.touched.add(machine.id);
    }
  }

  /** Sets which machines there are; gives those that are new. */
  setMachines(ids: readonly string[]): readonly string[] {
    const wanted = new Set(ids);
    const gone = [...this.machines.keys()].filter((id) => !wanted.has(id));
    for (const id of gone) {
      this.machines.delete(id);
      this.leases.delete(id);
    }
    const fresh = ids.filter((id) => !this.machines.has(id));
    for (const id of fresh) this.machines.set(id, strange(id));
    if (fresh.length + gone.length > 0) {
      this.membership += 1;
      this.#changed();
    }
    return fresh;
  }

  /** Lets a machine be there that may be known or not. */
  addMachine(id: string): void {
    if (this.machines.has(id)) return;
    this.machines.set(id, strange(id));
    this.membership += 1;
    this.#changed();
  }

  setInfo(id: string, info: Facts): void {
    const machine = this.machines.get(id);
    if (!machine) return;
    const { site } = machine;
    dress(machine, { ...this.#nodes.get(id), ...info });
    if (machine.site !== site) this.membership += 1;
    this.touched.add(id);
    this.#changed();
  }

  setJob(job: Job): void {
    const before = this.jobs.get(job.id);
    if (before?.worker && before.worker !== job.worker) this.#leave(before);
    this.jobs.set(job.id, job);
    if (isEnded(job)) this.#leave(job);
    else this.#enter(job);
    if (this.jobs.size > mostJobs) this.#forgetJobs();
    this.#changed();
  }

  #enter({ id, worker }: Job): void {
    const machine = this.machines.get(worker);
    if (!machine || machine.running.has(id)) return;
    enter(machine, id);
    judge(machine);
    this.touched.add(worker);
  }

  #leave({ id, worker }: Job): void {
    const machine = this.machines.get(worker);
    if (!machine?.running.delete(id)) return;
    judge(machine);
    this.touched.add(worker);
  }

  #forgetJobs(): void {
    for (const job of this.jobs.values()) {
      if (this.jobs.size <= mostJobs * 0.9) return;
      if (isEnded(job)) this.jobs.delete(job.id);
    }
  }

  /** Work that goes to a machine, or comes back from it. */
  fly(machine: string, kind: Flight["kind"]): void {
    this.flights.push({ machine, kind, born: this.#now() });
  }

  /** Takes in an event of the hive; gives the job or the machine that should be read again. */
  event(line: Facts): { readonly job?: string; readonly machine?: string } {
    this.events += 1;
    const [slice = "", name = ""] = String(line.event ?? "").split(/[:@]/);
    const data = (line.data ?? {}) as Facts;
    const worker = typeof data.worker === "string" ? data.worker : undefined;
    if (slice === "jobs") return this.#jobEvent(name, String(data.job ?? line.seq), worker, data);
    if (slice === "workers" || slice === "queen" || slice === "peers") {
      const machine = worker ?? data.id ?? data.node;
      // The owner's word shows at once, however much else is to be read.
      const known = name === "owner" ? this.machines.get(String(machine)) : undefined;
      if (known) this.setInfo(known.id, { ...known.info, owner: data });
      return typeof machine === "string" ? { machine } : {};
    }
    return {};
  }

  #jobEvent(name: string, id: string, worker: string | undefined, data: Facts) {
    if (worker && typeof data.until === "number") this.leases.set(worker, data.until);
    if (name === "leased" && worker) {
      this.fly(worker, "lease");
      this.#move(id, worker, "leased");
    } else if (name === "ended" && worker) {
      this.fly(worker, data.state === "done" ? "done" : "failed");
      this.#move(id, worker, String(data.state ?? "done"));
    }
    return /^(submitted|leased|ended|canceled|requeued|returned|lost|late)$/.test(name) ? { job: id } : {};
  }

  // The load of a machine follows the event at once; the rest of the job is read soon.
  #move(id: string, worker: string, state: string): void {
    const machine = this.machines.get(worker);
    if (!machine) return;
    if (state === "leased") enter(machine, id);
    else machine.running.delete(id);
    judge(machine);
    this.touched.add(worker);
    this.#changed();
  }

  /** Takes in a line of the trace: what somebody asked for, and the verdict. */
  traced(line: Facts, isFresh = true): void {
    const { seq, time, subject, path, verdict, code } = line;
    const trace = typeof line.trace === "string" ? line.trace : undefined;
    const base = {
      seq: Number(seq),
      time: Number(time),
      subject: String(subject),
      path: String(path),
      trace,
    };
    // What was stored until somebody approves it is no refusal: it may well run.
    const told = toldOf(line.command);
    if (code === waits)
      this.acts.push({ ...base, verdict: "waits", text: told || String(line.message ?? "") });
    else if (verdict === "refused") this.#refuse({ ...base, code: String(code), line, isFresh });
    else this.acts.push({ ...base, verdict: String(verdict), text: told });
    this.#changed();
  }

  #refuse(
    refused: Omit<Refused, "message" | "reason" | "count"> & {
      readonly line: Facts;
      readonly isFresh: boolean;
    },
  ) {
    const { line, isFresh, ...base } = refused;
    const reason = reasonOf(base.code);
    const message = String(line.message ?? base.code);
    this.refusals.push({ ...base, message, reason, count: Number(line.count ?? 1) });
    if (!isFresh) return;
    const found = /^\/(?:worker|shard\/\w+\/worker)\/([^/]+)/.exec(base.path)?.[1] ?? base.subject;
    this.pulses.push({ machine: this.machines.has(found) ? found : "", reason, born: this.#now() });
  }

  logged(lines: readonly string[]): void {
    for (const line of lines) this.log.push(line);
    if (lines.length > 0) this.#changed();
  }
}
