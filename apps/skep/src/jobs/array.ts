import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Context, Progress } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { submitArray } from "./array-submit.ts";
import type { Content } from "./blob.ts";
import type { NamedInput } from "./inputs.ts";
import { isGood, print, problemOf, someFailed, writeStream } from "./many.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { outcomeJson, ownerSigner } from "./run.ts";
import { ask, type Submitted, type Wish } from "./submit.ts";

/** What is run over many inputs. */
export interface ArrayRequest {
  readonly module: Content;
  readonly inputs: readonly NamedInput[];
  readonly wish: Wish;
  /** Folder for the outputs; without one they are printed in the order of the inputs. */
  readonly output: string | undefined;
  readonly detach: boolean;
}

/** Results that are waited for at a time: a connection has 48 waiting reads. */
const lanes = 24;
/** Outputs that are held because one before them is not there yet. */
const mostHeld = 1000;

interface Ended {
  readonly index: number;
  readonly input: NamedInput;
  readonly outcome: Outcome;
}

/** Outputs into a folder, as they come: `<name>.out`, and `<name>.err` where there is any. */
async function save(client: Client, folder: string, { input, outcome }: Ended): Promise<void> {
  if (outcome.status.stdout_bytes !== null && outcome.status.reason === "exit")
    await writeStream(client, outcome, "stdout", join(folder, `${input.name}.out`));
  if (outcome.status.stderr_bytes)
    await writeStream(client, outcome, "stderr", join(folder, `${input.name}.err`));
}

/** Tells results in the order of their inputs, whichever ended first. */
class InOrder {
  readonly #held = new Map<number, Ended>();
  readonly #tell: (ended: Ended) => Promise<void>;
  #next = 0;
  #telling: Promise<void> = Promise.resolve();
  #moved = Promise.withResolvers<void>();

  constructor(tell: (ended: Ended) => Promise<void>) {
    this.#tell = tell;
  }

  /** Resolves when a result of this place may be waited for: not too many are held before it. */
  async room(index: number): Promise<void> {
    while (index >= this.#next + mostHeld) await this.#moved.promise;
  }

  add(ended: Ended): Promise<void> {
    this.#held.set(ended.index, ended);
    this.#telling = this.#telling.then(() => this.#drain());
    return this.#telling;
  }

  async #drain(): Promise<void> {
    for (let ended = this.#held.get(this.#next); ended; ended = this.#held.get(this.#next)) {
      this.#held.delete(this.#next);
      this.#next += 1;
      await this.#tell(ended);
    }
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }
}

/** How many ended in which way. */
class Summary {
  readonly ways = new Map<string, number>();
  good = 0;

  add(outcome: Outcome): void {
    const { status, verified } = outcome;
    if (isGood(outcome)) this.good += 1;
    const way =
      !verified && status.reason === "exit" ? "unverified" : `${status.reason} ${status.exit ?? ""}`;
    this.ways.set(way.trim(), (this.ways.get(way.trim()) ?? 0) + 1);
  }

  get text(): string {
    const ways = [...this.ways].toSorted(([, one], [, other]) => other - one);
    return ways.map(([way, count]) => `${count} ${way}`).join(", ");
  }
}

/** Jobs as they are handed in, taken one after the other by those who wait for results. */
class Queue {
  readonly #jobs: Submitted[] = [];
  #taken = 0;
  #over = false;
  #more = Promise.withResolvers<void>();

  add(jobs: readonly Submitted[]): void {
    for (const job of jobs) this.#jobs.push(job);
    this.#wake();
  }

  end(): void {
    this.#over = true;
    this.#wake();
  }

  #wake(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  async take(): Promise<{ readonly index: number; readonly job: Submitted } | undefined> {
    for (;;) {
      const job = this.#jobs[this.#taken];
      if (job) {
        this.#taken += 1;
        return { index: this.#taken - 1, job };
      }
      if (this.#over) return undefined;
      await this.#more.promise;
    }
  }
}

interface Following {
  readonly context: Context;
  readonly client: Client;
  readonly request: ArrayRequest;
  readonly queue: Queue;
  readonly summary: Summary;
  readonly bar: Progress;
  readonly tell: (ended: Ended) => Promise<void>;
}

async function follow({ context, client, request, queue, summary, bar, tell }: Following): Promise<void> {
  const order = new InOrder(tell);
  const { module, inputs, output } = request;
  const lane = async (): Promise<void> => {
    for (let next = await queue.take(); next; next = await queue.take()) {
      const { index, job } = next;
      if (output === undefined) await order.room(index);
      const outcome = await outcomeOf(client, job, { module: module.digest, signal: context.signal });
      summary.add(outcome);
      bar.add(1);
      const ended = { index, input: inputs[index] as NamedInput, outcome };
      await (output === undefined ? order.add(ended) : tell(ended));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** What is done with each result. */
function teller(context: Context, client: Client, { output }: ArrayRequest) {
  const { out } = context;
  return async (ended: Ended): Promise<void> => {
    const { index, input, outcome } = ended;
    if (output !== undefined) await save(client, output, ended);
    if (out.wantsJson) return await out.json({ index, input: input.name, ...outcomeJson(outcome) });
    if (!isGood(outcome)) out.message(problemOf(input.name, outcome));
    const shows = output === undefined && outcome.status.reason === "exit" && outcome.verified;
    return shows ? await print(context, client, outcome) : undefined;
  };
}

/**
 * Runs a module over many inputs: results are shown, or lie in a folder, as they come. Gives 0 where all ended well, else 5.
 * An interrupt cancels the whole array.
 */
export async function runArray(context: Context, client: Client, request: ArrayRequest): Promise<number> {
  const { out, signal } = context;
  const { module, inputs, wish, output, detach } = request;
  if (output !== undefined) await mkdir(output, { recursive: true });
  const queue = new Queue();
  let array = "";
  const handing = async (): Promise<string> => {
    try {
      array = await submitArray({
        client,
        signer: ownerSigner(context),
        module,
        inputs,
        wish,
        now: () => context.io.clock.now(),
        signal,
        given: (jobs) => {
          array ||= jobs[0]?.job.split(".")[0] ?? "";
          queue.add(jobs);
        },
      });
      return array;
    } finally {
      queue.end();
    }
  };
  if (detach) {
    await handing();
    if (out.wantsJson) await out.json({ array, total: inputs.length });
    else await out.line(array);
    return 0;
  }
  using bar = out.progress({ label: "Jobs", total: inputs.length });
  const summary = new Summary();
  const tell = teller(context, client, request);
  try {
    await Promise.all([handing(), follow({ context, client, request, queue, summary, bar, tell })]);
  } catch (thrown) {
    if (array !== "") await ask(client, "/jobs/ctl", { op: "cancel", job: array }).catch(() => undefined);
    throw thrown;
  }
  bar.done();
  const { good, ways } = summary;
  if (out.wantsJson) await out.json({ array, total: inputs.length, good, ways: Object.fromEntries(ways) });
  else out.message(`array ${array}: ${good} of ${inputs.length} ended well (${summary.text})`);
  return good === inputs.length ? 0 : someFailed;
}
