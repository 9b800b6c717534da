import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endOf, Machine, type NodeRow, type Running, until } from "@skep/app-skep";
import { type Host, createLab, type Lab } from "../lab.ts";
import { FarNode } from "../../mesh/far-node.ts";

/** One trouble, and how long it took until all was well again. */
export interface Recovery {
  readonly what: string;
  /** Milliseconds. */
  readonly took: number;
  /** Milliseconds that it may take. */
  readonly most: number;
  /** What a command of the hive tells of it. */
  readonly says?: string;
}

/** Machines, nodes and networks of one show, all gone at its end. */
export class Stage implements AsyncDisposable {
  readonly #dir = mkdtempSync(join(tmpdir(), "skep-recovery-"));
  readonly #machines: Machine[] = [];
  readonly #nodes: FarNode[] = [];
  #lab: Lab | undefined;

  get lab(): Lab {
    this.#lab ??= createLab();
    return this.#lab;
  }

  machine(name: string, host?: Host): Machine {
    mkdirSync(join(this.#dir, name), { mode: 0o700 });
    const made = new Machine(join(this.#dir, name), host);
    this.#machines.push(made);
    return made;
  }

  async node(name: string, more: object = {}): Promise<FarNode> {
    const made = await FarNode.start(undefined, { name, listen: ["/ip4/127.0.0.1/tcp/0"], ...more });
    this.#nodes.push(made);
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#machines) await one[Symbol.asyncDispose]();
    for (const one of this.#nodes) await one.end();
    await this.#lab?.[Symbol.asyncDispose]();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** Waits until a hive lists a machine in a state. */
export function listed(hive: Machine, name: string, state: string, ms?: number): Promise<NodeRow> {
  return until(
    async () => (await hive.nodes()).find((row) => row.name === name && row.state === state),
    () => `${name} is not ${state}`,
    ms,
  );
}

/** Lets a machine join and waits until it is there. */
export async function joined(hive: Machine, worker: Machine, name: string): Promise<Running> {
  const running = worker.join(await hive.invitation(), name);
  await listed(hive, name, "present").catch((cause: Error) => {
    throw new Error(`${cause.message}: ${running.err}`, { cause });
  });
  return running;
}

/** Runs a job to its verified receipt. */
export async function works(hive: Machine): Promise<void> {
  const ran = await endOf(hive.job());
  if (ran.exit !== 0 || !ran.verified) throw new Error(`no verified job: ${JSON.stringify(ran)}`);
}

/** The line of `skep why`, which must match. */
export async function why(hive: Machine, name: string, wanted: RegExp): Promise<string> {
  const line = (await hive.ask("why", name)).trim();
  if (!wanted.test(line)) throw new Error(`skep why ${name} tells ${line}`);
  return line;
}
