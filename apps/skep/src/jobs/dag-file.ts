import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { fault, unreadable } from "./faults.ts";

/** Jobs of one file at most. */
const mostJobs = 1000;

const Name = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/);
const DagJob = z
  .strictObject({
    /** The module, from the folder of this file. */
    module: z.string().min(1),
    args: z.array(z.string()).default([]),
    env: z.record(z.string(), z.string()).default({}),
    /** Jobs that have to end well before. */
    needs: z.array(Name).default([]),
    /** A file that is its input, or `stdin_from`: a job whose output is. */
    stdin: z.string().optional(),
    stdin_from: Name.optional(),
    labels: z.array(z.string()).optional(),
    arch: z.string().optional(),
    memory_bytes: z.int().optional(),
    classes: z.array(z.string()).optional(),
    data: z.string().optional(),
    priority: z.int().optional(),
    deadline_ms: z.int().optional(),
    wall_ms: z.int().optional(),
    work_class: z.string().optional(),
    /** The file that it keeps while it runs, how often that is stored, and how large it may be. */
    checkpoint: z
      .strictObject({
        file: z.string().min(1),
        every_ms: z.int().optional(),
        max_bytes: z.int().optional(),
      })
      .optional(),
  })
  .refine(({ stdin, stdin_from }) => stdin === undefined || stdin_from === undefined, {
    message: "give either stdin or stdin_from",
  });
const Dag = z.strictObject({ jobs: z.record(Name, DagJob) });

/** One job of a file, by its name. */
export type DagJob = z.output<typeof DagJob> & { readonly name: string };

function parseText(path: string, text: string): unknown {
  try {
    return path.endsWith(".json") ? JSON.parse(text) : parse(text);
  } catch (thrown) {
    const where = thrown instanceof TomlError ? `line ${thrown.line}: ` : "";
    throw fault.dag(`${path}: ${where}${(thrown as Error).message.split("\n")[0]}`);
  }
}

/** What has to end before a job begins. */
export function needsOf({ needs, stdin_from }: DagJob): string[] {
  return [...new Set([...needs, ...(stdin_from === undefined ? [] : [stdin_from])])];
}

/** Jobs in an order in which each comes after those that it needs; throws `run.dag` with the circle where there is one. */
export function ordered(jobs: ReadonlyMap<string, DagJob>): DagJob[] {
  const order: DagJob[] = [];
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (done.has(name)) return;
    const at = path.indexOf(name);
    if (at >= 0) throw fault.dag(`these wait for each other: ${[...path.slice(at), name].join(" → ")}`);
    const job = jobs.get(name);
    if (!job) throw fault.dag(`job ${path.at(-1)} needs ${name}, which is not there`);
    for (const need of needsOf(job)) visit(need, [...path, name]);
    done.add(name);
    order.push(job);
  };
  for (const name of jobs.keys()) visit(name, []);
  return order;
}

/** Reads a file of jobs; paths in it are from its folder. Throws `run.dag` and `run.file`. */
export async function readDag(path: string): Promise<DagJob[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw unreadable("file", path, cause);
  });
  const checked = Dag.safeParse(parseText(path, text));
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw fault.dag(`${path}: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const named = Object.entries(checked.data.jobs);
  if (named.length === 0) throw fault.dag(`${path} has no job`);
  if (named.length > mostJobs) throw fault.dag(`${named.length} jobs are more than ${mostJobs}`);
  const folder = dirname(path);
  const jobs = named.map(([name, job]): [string, DagJob] => {
    const stdin = job.stdin === undefined ? {} : { stdin: resolve(folder, job.stdin) };
    return [name, { ...job, ...stdin, name, module: resolve(folder, job.module) }];
  });
  return ordered(new Map(jobs));
}
