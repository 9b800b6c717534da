import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import type { GroupFreezer } from "./pool-group.ts";

/** One process that can be stopped, with all that it started. */
export interface Stoppable {
  /** Leader of its process group; undefined when it never started. */
  readonly leader: number | undefined;
  /** The process that runs modules where that is another one, as far as it is known. */
  readonly pid: number | undefined;
  /** The freezer of its own group, where each has one. */
  readonly own: GroupFreezer | undefined;
}

/** What stopped, and when. */
export interface Stopped {
  /** What did it. */
  readonly method: "cgroup v2 freezer" | "cgroup v1 freezer" | "SIGSTOP";
  /** Processes that were stopped. */
  readonly processes: number;
  /** Milliseconds from the call until the kernel showed that nothing runs any more. */
  readonly ms: number;
  /** False where it was thawed, or did not show, before that was seen. */
  readonly seen: boolean;
}

/** A timer that stands still while processes are stopped. */
export interface HeldTimer {
  stop(): void;
}

interface Waiting {
  readonly act: () => void;
  left: number;
  since: number;
  timeout: NodeJS.Timeout | undefined;
}

/** The kernel is given so long to show that it stopped everything, milliseconds. */
const patienceMs = 2000;

function signal(pid: number | undefined, name: "SIGSTOP" | "SIGCONT", group: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(group ? -pid : pid, name);
  } catch {
    // gone meanwhile
  }
}

/** Whether every thread of a process is stopped, or there is none. */
export function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) =>
      /\) [TtZX] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1")),
    );
  } catch {
    return true;
  }
}

/** Niceness of what is to stop: it has to run once more for that, and others may want the processor. */
const hasty = -10;

/** Every thread of a process gets this niceness; only root may take niceness away. */
function setNice(pid: number | undefined, nice: number): void {
  if (pid === undefined || process.getuid?.() !== 0) return;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), nice);
  } catch {
    // gone meanwhile
  }
}

/** Stops and starts again all processes of a pool, and the time of what they do. */
export class Freezer {
  #group: GroupFreezer | null;
  readonly #nice: number;
  readonly #members = new Set<Stoppable>();
  readonly #waiting = new Set<Waiting>();
  #since: number | undefined;
  /** Held, and yet those that were killed are let go. */
  #letGo = false;
  #spent = 0;
  #running = Promise.withResolvers<void>();

  constructor(group: GroupFreezer | null, nice = 0) {
    this.#group = group;
    this.#nice = nice;
    this.#running.resolve();
  }

  /** Whether nothing may run. */
  get held(): boolean {
    return this.#since !== undefined;
  }

  /** Milliseconds in which nothing ran, all together. */
  get spentMs(): number {
    return this.#spent + (this.#since === undefined ? 0 : performance.now() - this.#since);
  }

  /** A clock, milliseconds, that stands still while nothing runs. */
  now(): number {
    return performance.now() - this.spentMs;
  }

  /** Fulfils when things may run. */
  get running(): Promise<void> {
    return this.#running.promise;
  }

  /** From now on stopped with the others; at once where they are. */
  add(member: Stoppable): void {
    this.#members.add(member);
    if (this.held && !this.#group) this.#stop(member);
  }

  delete(member: Stoppable): void {
    this.#members.delete(member);
  }

  #stop({ leader, pid, own }: Stoppable): void {
    if (own) {
      own.freeze();
      return;
    }
    signal(leader, "SIGSTOP", true);
    signal(pid, "SIGSTOP", false);
  }

  /** Stops everything before it returns; the promise tells when the kernel shows that. */
  freeze(): Promise<Stopped> {
    const asked = performance.now();
    const before = this.held;
    if (!before) {
      this.#since = asked;
      this.#running = Promise.withResolvers();
    }
    this.#letGo = false;
    this.#stopAll();
    // After the order, so that none of them gets further by it.
    for (const { leader, pid } of this.#members)
      for (const one of new Set([leader, pid])) setNice(one, hasty);
    if (!before) this.#holdTimers(asked);
    return this.#proof(asked);
  }

  #stopAll(): void {
    try {
      if (this.#group) {
        this.#group.freeze();
        return;
      }
    } catch {
      // Somebody took the group away.
      this.#group = null;
    }
    for (const member of this.#members) this.#stop(member);
  }

  async #proof(asked: number): Promise<Stopped> {
    const method = this.#group?.method ?? [...this.#members][0]?.own?.method ?? "SIGSTOP";
    const processes = this.#members.size;
    for (;;) {
      const ms = performance.now() - asked;
      if (this.#isStill()) return { method, processes, ms, seen: true };
      if (!this.held || ms > patienceMs) return { method, processes, ms, seen: false };
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #isStill(): boolean {
    // A group that was let go is not frozen, and then it is the end of its processes that shows.
    if (this.#group && !this.#letGo) return this.#group.isFrozen();
    return [...this.#members].every(({ leader, pid, own }) => {
      if (own && !this.#letGo) return own.isFrozen();
      return [leader, pid].every((one) => one === undefined || isStopped(one));
    });
  }

  /** Lets everything go on, and its time. */
  thaw(): void {
    if (this.#since === undefined) return;
    const now = performance.now();
    for (const { leader, pid } of this.#members)
      for (const one of new Set([leader, pid])) setNice(one, this.#nice);
    this.#spent += now - this.#since;
    this.#since = undefined;
    this.let();
    for (const waiting of this.#waiting) this.#arm(waiting, now);
    this.#running.resolve();
  }

  /** Lets the processes go on while all else stays as it is: for those that were killed, and can end only then. */
  let(): void {
    this.#letGo = true;
    if (this.#group) this.#group.thaw();
    for (const { leader, pid, own } of this.#members)
      if (own) own.thaw();
      else {
        signal(leader, "SIGCONT", true);
        signal(pid, "SIGCONT", false);
      }
  }

  #holdTimers(now: number): void {
    for (const waiting of this.#waiting) {
      clearTimeout(waiting.timeout);
      waiting.left -= now - waiting.since;
    }
  }

  #arm(waiting: Waiting, now: number): void {
    waiting.since = now;
    waiting.timeout = setTimeout(
      () => {
        this.#waiting.delete(waiting);
        waiting.act();
      },
      Math.max(1, waiting.left),
    );
  }

  /** Acts once after so many milliseconds in which things ran. */
  after(ms: number, act: () => void): HeldTimer {
    const waiting: Waiting = { act, left: ms, since: performance.now(), timeout: undefined };
    this.#waiting.add(waiting);
    if (!this.held) this.#arm(waiting, waiting.since);
    return {
      stop: () => {
        clearTimeout(waiting.timeout);
        this.#waiting.delete(waiting);
      },
    };
  }
}

/** What all processes of a pool have in common. */
export interface Common {
  readonly freezer: Freezer;
  /** Files of shared control groups, into which each process is written. */
  readonly procs: readonly string[];
  /** Niceness that stays; undefined for one that ends when somebody waits. */
  readonly nice: number | undefined;
  /** Processors for each where every process has a version 2 group of its own. */
  readonly cpus: number | undefined;
}
