import type { Reason } from "../palette.ts";

/** What a machine is doing, in one word. */
export type MachineState = "unknown" | "ready" | "busy" | "frozen" | "draining" | "away";

/** A machine as the page knows it. */
export interface Machine {
  readonly id: string;
  /** Everything that its info says. */
  info: Readonly<Record<string, unknown>>;
  state: MachineState;
  /** The state that it has while nothing runs on it. */
  rest: MachineState;
  /** Why it is in that state, where it says so. */
  reason: string;
  /** owned, borrowed, rented or volunteer. */
  class: string;
  role: string;
  site: string;
  slots: number;
  /** Jobs that run on it. */
  readonly running: Set<string>;
  /** 0 to 1. */
  load: number;
}

/** How many of an array's jobs are where. */
export interface Tally {
  readonly total: number;
  readonly queued: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly canceled: number;
  readonly expired: number;
}

/** A job as its status says. */
export interface Job {
  readonly id: string;
  state: string;
  exit?: number | undefined;
  reason: string;
  message: string;
  /** Why it waits. */
  wait: string;
  verified: string;
  owner: string;
  worker: string;
  tries: number;
  submitted: number;
  started: number;
  ended: number;
  stdoutBytes: number;
  stderrBytes: number;
  jobId: string;
  /** Of an array; its jobs are `<id>.0` and on. */
  tally?: Tally | undefined;
}

/** A refusal that was seen. */
export interface Refused {
  readonly seq: number;
  readonly time: number;
  readonly subject: string;
  readonly path: string;
  readonly code: string;
  readonly message: string;
  readonly reason: Reason;
  readonly count: number;
  readonly trace?: string | undefined;
}

/** A command that was taken. */
export interface Act {
  readonly seq: number;
  readonly time: number;
  readonly subject: string;
  readonly path: string;
  readonly verdict: string;
  readonly text: string;
  /** The trace context that it came with. */
  readonly trace?: string | undefined;
}

/** Something that moves on the scene: work on its way to a machine, or its result on the way back. */
export interface Flight {
  readonly machine: string;
  readonly kind: "lease" | "done" | "failed";
  /** Milliseconds of the page's own clock. */
  readonly born: number;
}

/** Something that flashes on the scene. */
export interface Pulse {
  /** Empty for the hive itself. */
  readonly machine: string;
  readonly reason: Reason;
  readonly born: number;
}

/** A ring of the newest things. */
export class Newest<T> {
  readonly #most: number;
  #items: T[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  push(item: T): void {
    this.#items.push(item);
    if (this.#items.length > 2 * this.#most) this.#items = this.#items.slice(-this.#most);
  }

  /** Oldest first. */
  get all(): readonly T[] {
    return this.#items.length > this.#most ? this.#items.slice(-this.#most) : this.#items;
  }

  clear(): void {
    this.#items = [];
  }

  /** Forgets those at the front that are past. */
  drop(isPast: (item: T) => boolean): void {
    let past = 0;
    while (past < this.#items.length && isPast(this.#items[past] as T)) past += 1;
    if (past > 0) this.#items.splice(0, past);
  }
}

const text = (value: unknown, otherwise = ""): string => (typeof value === "string" ? value : otherwise);
const number = (value: unknown): number => (typeof value === "number" ? value : 0);

/** A job of its status as JSON. */
export function jobOf(id: string, status: Readonly<Record<string, unknown>>): Job {
  return {
    id,
    state: text(status.state, "unknown"),
    exit: typeof status.exit === "number" ? status.exit : undefined,
    reason: text(status.reason),
    message: text(status.message),
    wait: text(status.wait),
    verified: text(status.verified),
    owner: text(status.owner),
    worker: text(status.worker),
    tries: number(status.tries),
    submitted: number(status.submitted_ms),
    started: number(status.started_ms),
    ended: number(status.ended_ms),
    stdoutBytes: number(status.stdout_bytes),
    stderrBytes: number(status.stderr_bytes),
    jobId: text(status.job_id),
    ...(typeof status.total === "number" && { tally: tallyOf(status) }),
  };
}

function tallyOf(status: Readonly<Record<string, unknown>>): Tally {
  return {
    total: number(status.total),
    queued: number(status.queued),
    running: number(status.running),
    done: number(status.done),
    failed: number(status.failed),
    canceled: number(status.canceled),
    expired: number(status.expired),
  };
}

/** Jobs by number, those of an array by their place in it: the newest first. */
export function newestFirst(a: { readonly id: string }, b: { readonly id: string }): number {
  const [one, other] = [a, b].map(({ id }) => id.split(".").map(Number));
  return (other?.[0] ?? 0) - (one?.[0] ?? 0) || (other?.[1] ?? -1) - (one?.[1] ?? -1);
}

/** Whether a job came to its end. */
export function isEnded(job: Job): boolean {
  return job.ended > 0 || ["done", "failed", "canceled", "lost", "expired"].includes(job.state);
}

function labelsOf(info: Readonly<Record<string, unknown>>): readonly string[] {
  return Array.isArray(info.labels)
    ? info.labels.filter((label): label is string => typeof label === "string")
    : [];
}

/** What the owner of a machine says of it, in whichever of its files. */
function ownerOf(info: Readonly<Record<string, unknown>>): {
  readonly state: string;
  readonly reason: string;
} {
  const owner = info.owner;
  if (typeof owner === "object" && owner !== null) {
    const { state, reason, reasons } = owner as Record<string, unknown>;
    const told = Array.isArray(reasons) ? reasons.map((one: { text?: unknown }) => text(one?.text)) : [];
    return { state: text(state), reason: text(reason) || told.filter((one) => one !== "").join("; ") };
  }
  return { state: text(info.owner_state), reason: text(info.owner_reason) };
}

const frozen = /^(frozen|paused|freez|give-back|yield)/i;

/** Takes what is known of a machine into it. */
export function dress(machine: Machine, info: Readonly<Record<string, unknown>>): void {
  const labels = labelsOf(info);
  machine.info = info;
  machine.class = text(info.class, machine.class || "owned");
  machine.role = text(info.role, machine.role || "worker");
  machine.site = labels.find((label) => label.startsWith("site="))?.slice(5) ?? text(info.site, machine.site);
  machine.slots = number(info.slots) || machine.slots;
  const owner = ownerOf(info);
  machine.rest = restOf(info, owner.state);
  machine.reason = owner.reason || (machine.rest === "away" ? "it said bye, or its session ended" : "");
  judge(machine);
}

function restOf(info: Readonly<Record<string, unknown>>, owner: string): MachineState {
  if (info.present === undefined && info.id === undefined) return "unknown";
  if (info.present === false) return "away";
  if (frozen.test(owner)) return "frozen";
  return /drain/i.test(text(info.state)) ? "draining" : "ready";
}

/** Lets a job run on a machine. Of more than it has room for the end of the oldest was missed. */
export function enter(machine: Machine, job: string): void {
  machine.running.delete(job);
  machine.running.add(job);
  const [oldest] = machine.running;
  if (machine.running.size > 16 + 4 * machine.slots && oldest !== undefined) machine.running.delete(oldest);
}

/** Works out the state and the load of a machine of what runs on it: that changes thousands of times a second. */
export function judge(machine: Machine): void {
  const { rest, running, slots } = machine;
  machine.load = slots > 0 ? Math.min(1, running.size / slots) : 0;
  machine.state = rest === "ready" && running.size > 0 ? "busy" : rest;
}

/** The reason that a refusal counts under, by the family of its code. */
export function reasonOf(code: string): Reason {
  if (/busy|full|many|waiting/.test(code)) return "busy";
  if (/rate|budget|quota|limit|long|oversize/i.test(code)) return "quota";
  if (/cut|lifecycle|drain|unreach/.test(code)) return "cut";
  return "policy";
}
