import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "@skep/edge-cli";
import { Fault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { connect, type Target } from "../client/connect.ts";
import { type Content, heldContent } from "./blob.ts";
import { type DagJob, needsOf, readDag } from "./dag-file.ts";
import { unreadable } from "./faults.ts";
import { isGood, print, problemOf, someFailed, writeStream } from "./many.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { checkRights, outcomeJson, ownerSigner, readModule, tellWaiting } from "./run.ts";
import { ask, type Submitted, submit, type Wish } from "./submit.ts";

/** What is run of a file of jobs. */
export interface DagRequest extends Wish {
  readonly file: string;
  readonly output: string | undefined;
  readonly detach: boolean;
}

/** Results that are waited for at a time. */
const lanes = 24;

interface Given {
  readonly job: DagJob;
  readonly submitted: Submitted;
  readonly module: string;
}

function keptBy({ file, every_ms: everyMs, max_bytes: maxBytes }: NonNullable<DagJob["checkpoint"]>) {
  return { file, everyMs, maxBytes };
}

function wishOf(job: DagJob, { fresh, fuel, memoryBytes, workClass }: DagRequest): Wish {
  const { args, env, labels, arch, memory_bytes, classes, data, priority, deadline_ms, wall_ms } = job;
  return {
    args,
    env,
    fresh,
    fuel,
    memoryBytes,
    wallMs: wall_ms,
    workClass: job.work_class ?? workClass,
    ...(job.checkpoint ? { checkpoint: keptBy(job.checkpoint) } : {}),
    where: { labels, arch, memoryBytes: memory_bytes, classes, data },
    priority,
    deadlineMs: deadline_ms,
  };
}

/** By name: jobs that were not handed in, each with the one that it needs and that did not end well before. */
type Stopped = Map<string, string>;

/** Which of the jobs that one needs the hive refuses it for, because it has ended badly by now; throws what else it refuses. */
function refusedFor(thrown: unknown, needs: readonly string[], id: (name: string) => string): string {
  const isNeed = thrown instanceof Fault && thrown.code === "jobs.needs";
  const found = needs.find((name) => isNeed && thrown.message.endsWith(JSON.stringify(id(name))));
  if (found === undefined) throw thrown;
  return found;
}

/** Hands jobs in, each after those that it needs, so that the hive knows them. */
async function handIn(
  context: Context,
  client: Client,
  jobs: readonly DagJob[],
  request: DagRequest,
  given: Map<string, Given>,
  stopped: Stopped,
): Promise<void> {
  const signer = ownerSigner(context);
  const modules = new Map<string, Content>();
  for (const job of jobs) {
    const module = modules.get(job.module) ?? (await readModule(job.module));
    modules.set(job.module, module);
    const stdin = job.stdin === undefined ? Buffer.alloc(0) : await readInput(job.stdin);
    const id = (name: string) => given.get(name)?.submitted.job ?? "";
    const needs = needsOf(job);
    const lost = needs.find((name) => stopped.has(name));
    if (lost !== undefined) {
      stopped.set(job.name, lost);
      continue;
    }
    try {
      const submitted = await submit({
        client,
        signer,
        module,
        stdin: heldContent(stdin),
        wish: wishOf(job, request),
        now: Date.now(),
        signal: context.signal,
        needs: needs.map(id),
        ...(job.stdin_from === undefined ? {} : { from: id(job.stdin_from) }),
      });
      given.set(job.name, { job, submitted, module: module.digest });
    } catch (thrown) {
      stopped.set(job.name, refusedFor(thrown, needs, id));
    }
  }
}

async function readInput(path: string): Promise<Buffer> {
  return await readFile(path).catch((cause: unknown) => {
    throw unreadable("file", path, cause);
  });
}

async function tellGiven({ out }: Context, ids: Readonly<Record<string, string>>): Promise<void> {
  if (out.wantsJson) await out.json({ jobs: ids });
  else for (const [name, job] of Object.entries(ids)) await out.line(`${job} ${name}`);
}

async function tellStopped({ out }: Context, stopped: Stopped): Promise<void> {
  for (const [name, need] of stopped)
    if (out.wantsJson) await out.json({ name, state: "stopped", needs: need });
    else out.message(`${name} was not begun: ${need} did not end well`);
}

async function tell(
  context: Context,
  client: Client,
  { job }: Given,
  outcome: Outcome,
  { output, last }: { readonly output: string | undefined; readonly last: boolean },
): Promise<void> {
  const { out } = context;
  const ended = outcome.status.reason === "exit" && outcome.verified;
  if (output !== undefined && ended)
    await writeStream(client, outcome, "stdout", join(output, `${job.name}.out`));
  if (out.wantsJson) return await out.json({ name: job.name, ...outcomeJson(outcome) });
  if (!isGood(outcome)) out.message(problemOf(job.name, outcome));
  return ended && last && output === undefined ? await print(context, client, outcome) : undefined;
}

async function followAll(
  context: Context,
  client: Client,
  given: readonly Given[],
  needed: ReadonlySet<string>,
  output: string | undefined,
): Promise<number> {
  using bar = context.out.progress({ label: "Jobs", total: given.length });
  let good = 0;
  const left = [...given];
  const live = new Set(given.map(({ submitted }) => submitted.job));
  using _ = tellWaiting(context, client, () => [...live].slice(0, lanes));
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) {
      const { submitted, module, job } = next;
      const outcome = await outcomeOf(client, submitted, { module, signal: context.signal });
      bar.add(1);
      live.delete(submitted.job);
      if (isGood(outcome)) good += 1;
      await tell(context, client, next, outcome, { output, last: !needed.has(job.name) });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return good;
}

/**
 * Runs the jobs of a file, each once those that it needs ended well; one that did not stops those that need it. What no other
 * job needs is printed, unless a folder takes all outputs. Gives 0 where all ended well, else 5; an interrupt cancels them.
 */
export async function runDag(context: Context, target: Target, request: DagRequest): Promise<number> {
  const { out, signal } = context;
  const { file, output, detach } = request;
  const jobs = await readDag(file);
  if (output !== undefined) await mkdir(output, { recursive: true });
  await using client = await connect(target, signal);
  if (!detach) await checkRights(client, target, signal);
  const given = new Map<string, Given>();
  const stopped: Stopped = new Map();
  try {
    await handIn(context, client, jobs, request, given, stopped);
    const ids = Object.fromEntries([...given].map(([name, { submitted }]) => [name, submitted.job]));
    if (detach) await tellGiven(context, ids);
    await tellStopped(context, stopped);
    if (detach) return stopped.size === 0 ? 0 : someFailed;
    const needed = new Set(jobs.flatMap(needsOf));
    const good = await followAll(context, client, [...given.values()], needed, output);
    if (out.wantsJson) await out.json({ jobs: ids, total: jobs.length, good });
    else out.message(`${good} of ${jobs.length} jobs ended well`);
    return good === jobs.length ? 0 : someFailed;
  } catch (thrown) {
    for (const { submitted } of given.values())
      await ask(client, "/jobs/ctl", { op: "cancel", job: submitted.job }).catch(() => undefined);
    throw thrown;
  }
}
