import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a process has spent, in ticks of the kernel's clock. */
interface Spent {
  readonly user: number;
  readonly system: number;
  readonly childUser: number;
  readonly childSystem: number;
  readonly nice: number;
  readonly running: boolean;
}

function textOf(...parts: string[]): string | undefined {
  try {
    return readFileSync(join(...parts), "latin1");
  } catch {
    return undefined;
  }
}

function spentBy(proc: string, pid: number): Spent | undefined {
  // The name may hold blanks and brackets; what follows the last one is fixed.
  const text = textOf(proc, String(pid), "stat");
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  if (!fields) return undefined;
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15).map(Number);
  return { user, system, childUser, childSystem, nice: Number(fields[16]), running: fields[0] === "R" };
}

function childrenOf(proc: string, pid: number): number[] {
  try {
    return readdirSync(join(proc, String(pid), "task")).flatMap((task) =>
      (textOf(proc, String(pid), "task", task, "children") ?? "").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** These processes and everything below them. */
export function treeOf(proc: string, roots: readonly number[]): number[] {
  const found = new Set<number>();
  const left = [...roots];
  for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
    if (found.has(pid)) continue;
    found.add(pid);
    left.push(...childrenOf(proc, pid));
  }
  return [...found];
}

/** Processor time of everything below a process, ended or not, and not its own; milliseconds. */
export function lentMs(proc: string, root: number): number {
  let ticks = 0;
  for (const pid of treeOf(proc, [root])) {
    const spent = spentBy(proc, pid);
    if (!spent) continue;
    ticks += spent.childUser + spent.childSystem;
    if (pid !== root) ticks += spent.user + spent.system;
  }
  return ticks * 10;
}

interface Sample {
  readonly all: number;
  /** User and system time of whoever did not make itself nice. */
  readonly busy: number;
  /** The part of it that is our own. */
  readonly own: number;
  readonly running: number;
}

function sample(proc: string, roots: readonly number[]): Sample | undefined {
  const line = /^cpu +(.*)$/m.exec(textOf(proc, "stat") ?? "")?.[1];
  if (line === undefined) return undefined;
  const times = line.split(" ").map(Number).slice(0, 8);
  const [user = 0, , system = 0, , , irq = 0, softirq = 0] = times;
  let own = 0;
  let running = 0;
  for (const pid of treeOf(proc, roots)) {
    const spent = spentBy(proc, pid);
    if (!spent) continue;
    // What is nice is not in `user`; time of the system is in `system` whoever it is for.
    own += spent.system + spent.childSystem + (spent.nice > 0 ? 0 : spent.user);
    running += spent.running ? 1 : 0;
  }
  const all = times.reduce((sum, time) => sum + time, 0);
  return { all, busy: user + system + irq + softirq, own, running };
}

/** Fewer ticks than these say little about a share. */
const leastTicks = 20;

/** What others use of the processors, and their load, without our own part. */
export class OthersCpu {
  readonly #proc: string;
  readonly #roots: () => readonly number[];
  #last: Sample | undefined;
  #share: number | undefined;
  #ownLoad = 0;
  #lookedAt: number | undefined;

  constructor(proc: string, roots: () => readonly number[]) {
    this.#proc = proc;
    this.#roots = roots;
  }

  /** Percent of all processors since the last look that was long enough ago; undefined where /proc cannot be read. */
  look(now: number): { readonly cpu?: number; readonly load?: number } {
    const found = sample(this.#proc, this.#roots());
    if (!found) return {};
    const last = this.#last;
    if (!last) this.#last = found;
    else if (found.all - last.all >= leastTicks) {
      const others = found.busy - last.busy - Math.max(0, found.own - last.own);
      this.#share = Math.min(100, Math.max(0, (100 * others) / (found.all - last.all)));
      this.#last = found;
    }
    return { ...(this.#share === undefined ? {} : { cpu: this.#share }), ...this.#load(now, found.running) };
  }

  // The kernel's figure counts us too: the same mean, taken of our own, is what to leave out.
  #load(now: number, running: number): { load?: number } {
    const text = textOf(this.#proc, "loadavg");
    if (text === undefined) return {};
    const passed = this.#lookedAt === undefined ? 0 : now - this.#lookedAt;
    this.#lookedAt = now;
    this.#ownLoad += (running - this.#ownLoad) * (1 - Math.exp(-passed / 60_000));
    return { load: Math.max(0, Number(text.split(" ")[0]) - this.#ownLoad) };
  }
}

/** Memory: how long programs wait for it, and how much of it others use. */
export class Memory {
  readonly #proc: string;
  readonly #roots: () => readonly number[];
  #last: { readonly at: number; readonly total: number } | undefined;
  #pressure: number | undefined;

  constructor(proc: string, roots: () => readonly number[]) {
    this.#proc = proc;
    this.#roots = roots;
  }

  /** Percent of the time between this look and the last. */
  pressure(now: number): number | undefined {
    const total = Number(/^some .*total=(\d+)/m.exec(textOf(this.#proc, "pressure", "memory") ?? "")?.[1]);
    if (Number.isNaN(total)) return undefined;
    const last = this.#last;
    if (!last || now > last.at) this.#last = { at: now, total };
    if (last && now > last.at) this.#pressure = Math.min(100, (total - last.total) / 10 / (now - last.at));
    return this.#pressure ?? 0;
  }

  used(): number | undefined {
    const text = textOf(this.#proc, "meminfo") ?? "";
    const of = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(text)?.[1]);
    const total = of("MemTotal");
    if (Number.isNaN(total)) return undefined;
    let own = 0;
    for (const pid of treeOf(this.#proc, this.#roots()))
      own += Number(/^RssAnon:\s*(\d+) kB/m.exec(textOf(this.#proc, String(pid), "status") ?? "")?.[1] ?? 0);
    return Math.max(0, (100 * (total - of("MemAvailable") - own)) / total);
  }
}

/** How many looks a name of a new process is read again: it may have been seen between fork and exec. */
const youngLooks = 3;

/** Which of the programs that rules name are running. */
export class Programs {
  readonly #proc: string;
  readonly #known = new Map<string, { looks: number; names: readonly string[] }>();
  #round = 0;

  constructor(proc: string) {
    this.#proc = proc;
  }

  look(wanted: ReadonlySet<string>): readonly string[] | undefined {
    let pids: string[];
    try {
      pids = readdirSync(this.#proc).filter((name) => /^\d+$/.test(name));
    } catch {
      return undefined;
    }
    this.#round += 1;
    const alive = new Set(pids);
    for (const pid of this.#known.keys()) if (!alive.has(pid)) this.#known.delete(pid);
    const found = new Set<string>();
    for (const pid of pids) for (const name of this.#names(pid)) if (wanted.has(name)) found.add(name);
    return [...found];
  }

  #names(pid: string): readonly string[] {
    const known = this.#known.get(pid);
    // An old process may still become another program: looked at now and then.
    const isDue = !known || known.looks < youngLooks || (Number(pid) + this.#round) % 16 === 0;
    if (!isDue) return known.names;
    const name = textOf(this.#proc, pid, "comm")?.trim();
    const first = textOf(this.#proc, pid, "cmdline")?.split("\0")[0] ?? "";
    const names = [name ?? "", first.slice(first.lastIndexOf("/") + 1)].filter(Boolean);
    this.#known.set(pid, { looks: (known?.looks ?? 0) + 1, names });
    return names;
  }
}
