import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "@skep/edge-cli";
import { toFault } from "@skep/fault";
import { escapeLines, formatBytes, formatDuration } from "@skep/text";
import type { Client } from "@skep/ninep";
import { createSigner, type Signer } from "@skep/receipt";
import { connect, homeOf, type Target, targetOf } from "../client/connect.ts";
import { checkKeys, homeKey } from "../hive/keys.ts";
import { type Content, heldContent, takeAll } from "./blob.ts";
import { fault, unreadable } from "./faults.ts";
import { type Outcome, outcomeOf, type Show, stored } from "./outcome.ts";
import { ask, inlineBytes, type Submitted, submit, type Wish } from "./submit.ts";

/** The exit code of every end that is not the module's. */
const notTheModules = 125;

/** What every WebAssembly module begins with. */
const magic = Buffer.from("\0asm");

/** What `skep run` was asked. */
export interface RunRequest extends Wish {
  readonly file: string;
  readonly receipt: string | undefined;
  readonly detach: boolean;
}

/** Reads a module; it must be one. */
export async function readModule(file: string): Promise<Content> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw unreadable("module", file, cause);
  });
  if (!bytes.subarray(0, magic.length).equals(magic)) throw fault.wasm(file);
  return heldContent(bytes);
}

async function mayHandIn(client: Client, signal: AbortSignal): Promise<void> {
  try {
    await using control = await client.walk("/jobs/ctl", { signal });
    await control.open("append", { signal });
  } catch (thrown) {
    throw ["absent", "denied"].includes(toFault(thrown).kind)
      ? fault.mayNot(undefined, { cause: thrown })
      : thrown;
  }
}

/** Without the worker's key no output could be shown: better known before anything runs. */
export async function checkRights(client: Client, { aname }: Target, signal: AbortSignal): Promise<void> {
  if (aname === "") return;
  await mayHandIn(client, signal);
  try {
    await using _ = await client.walk("/worker", { signal });
  } catch (thrown) {
    throw toFault(thrown).kind === "absent" ? fault.keys(undefined, { cause: thrown }) : thrown;
  }
}

/** Input is taken to its end before anything else is done; a terminal is nobody's input. */
async function readStdin({ io, out }: Context): Promise<Content> {
  if (io.stdin.isTTY) return heldContent(Buffer.alloc(0));
  using bar = out.progress({ label: "Reading input", unit: "bytes" });
  return await takeAll(io.stdin.chunks(), inlineBytes, (bytes) => bar.add(bytes));
}

/** The key that the hive's owner signs work with. */
export function ownerSigner(context: Context): Signer {
  const home = homeOf(context);
  checkKeys(home);
  return createSigner(homeKey(join(home, "keys", "identity")).seed);
}

/** Warns where the hive gave the job less than was asked: what it said of the job is what holds. */
async function tellLimits(
  { out, signal }: Context,
  client: Client,
  job: string,
  wish: RunRequest,
): Promise<void> {
  const { wallMs, memoryBytes, fuel } = wish;
  if ((wallMs ?? memoryBytes ?? fuel) === undefined) return;
  const { limits } = JSON.parse(String(await client.readAll(`/jobs/${job}/spec`, { signal }))) as {
    readonly limits: { readonly wallMs: number; readonly memoryBytes: number; readonly fuel: string };
  };
  const less = (flag: string, asked: number | undefined, given: number, show: (value: number) => string) => {
    if (asked !== undefined && given < asked)
      out.warn(`--${flag} ${show(asked)} is more than this hive gives: job ${job} has ${show(given)}`);
  };
  less("time", wallMs, limits.wallMs, formatDuration);
  less("memory", memoryBytes, limits.memoryBytes, formatBytes);
  less("fuel", fuel, Number(limits.fuel), String);
}

async function handIn(
  context: Context,
  client: Client,
  request: RunRequest,
  module: Content,
): Promise<Submitted> {
  await using stdin = await readStdin(context);
  using bar = context.out.progress({ label: "Storing", total: module.bytes + stdin.bytes, unit: "bytes" });
  return await submit({
    client,
    signer: ownerSigner(context),
    module,
    stdin,
    wish: request,
    now: Date.now(),
    signal: context.signal,
    sent: (bytes) => bar.add(bytes),
  });
}

/** Where the module's output goes: its stdout to ours, its stderr to ours. */
function writer({ io, out }: Context): Show {
  return (stream, bytes) => {
    if (stream === "stdout") return out.data(bytes);
    return io.stderr.write(io.stderr.isTTY ? escapeLines(Buffer.from(bytes)) : bytes);
  };
}

async function printOutput(
  write: ReturnType<typeof writer>,
  client: Client,
  outcome: Outcome,
): Promise<void> {
  for (const stream of ["stdout", "stderr"] as const) {
    const held = outcome[stream];
    if (held) await write(stream, held);
    else
      for await (const bytes of stored(client, outcome.job, stream)) await write(stream, Buffer.from(bytes));
  }
}

/** Text where it is text, else base64; nothing where it is long. */
function shown(bytes: Buffer | undefined): object {
  if (!bytes) return {};
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString("base64") };
}

/** What `--json` tells of an outcome. */
export function outcomeJson(outcome: Outcome): object {
  const { job, status, verified, why, key, stdout, stderr, receipt } = outcome;
  const { state, exit, reason, message, worker } = status;
  return {
    job,
    state,
    exit,
    reason,
    ...(message ? { message } : {}),
    verified,
    ...(why ? { why } : {}),
    worker,
    key,
    job_id: receipt?.job_id ?? null,
    sandbox: receipt?.result.metrics.extra.sandbox ?? null,
    grade: receipt?.result.metrics.extra.grade ?? null,
    stdout: { bytes: status.stdout_bytes, ...shown(stdout) },
    stderr: { bytes: status.stderr_bytes, ...shown(stderr) },
  };
}

function exitOf({ status, verified }: Outcome): number {
  if (!verified || status.reason !== "exit" || status.exit === null) return notTheModules;
  // A process has eight bits; a larger code must not come out as success.
  return Math.min(status.exit, 255);
}

/** Says what a person should know beside the output. */
function tell({ out }: Context, { status, verified, why, job }: Outcome): void {
  const { state, reason, message } = status;
  if (reason !== "exit") {
    const told = [state, reason === state ? "" : (reason ?? "unknown"), message ?? ""];
    out.message(`job ${job} ${told.filter((text) => text !== "").join(": ")}`);
  }
  if (!verified && status.verified !== null) out.warn(`the receipt of job ${job} does not verify: ${why}`);
}

async function saveReceipt(path: string, { envelope }: Outcome): Promise<void> {
  try {
    await writeFile(path, `${envelope}\n`);
  } catch (cause) {
    throw fault.write(path, { cause });
  }
}

async function finish(
  context: Context,
  client: Client,
  request: RunRequest,
  outcome: Outcome,
  live: boolean,
): Promise<number> {
  const { out } = context;
  if (out.wantsJson) await out.json(outcomeJson(outcome));
  else if (!live && outcome.verified) await printOutput(writer(context), client, outcome);
  tell(context, outcome);
  if (request.receipt !== undefined && outcome.envelope !== "") await saveReceipt(request.receipt, outcome);
  if (!outcome.verified && outcome.status.reason === "exit") throw fault.receipt(outcome.why);
  return exitOf(outcome);
}

/** How often it is looked why a job waits, milliseconds; what is over sooner is not told. */
const lookEvery = 2000;

/** Says why jobs do not start or lack a machine, once that has lasted and when it changes. */
export function tellWaiting({ io, out }: Context, client: Client, jobs: () => readonly string[]): Disposable {
  const told = new Map<string, string>();
  const tell = async (job: string): Promise<void> => {
    const { wait = "" } = JSON.parse(String(await client.readAll(`/jobs/${job}/status.json`))) as {
      readonly wait?: string;
    };
    if (wait !== "" && told.get(job) !== wait) out.message(`job ${job} waiting: ${wait}`);
    told.set(job, wait);
  };
  let over = false;
  const look = async (): Promise<void> => {
    for (const job of jobs()) if (!over) await tell(job).catch(() => undefined);
    if (!over) timer = io.clock.after(lookEvery, () => void look());
  };
  let timer = io.clock.after(lookEvery, () => void look());
  return {
    [Symbol.dispose]: () => {
      over = true;
      timer.stop();
    },
  };
}

async function waitFor(
  context: Context,
  client: Client,
  submitted: Submitted,
  request: RunRequest,
  module: Content,
): Promise<number> {
  const { out, signal } = context;
  const live = out.isTTY && !out.wantsJson;
  const write = writer(context);
  const show: Show = (stream, bytes) => write(stream, Buffer.from(bytes));
  using _ = tellWaiting(context, client, () => [submitted.job]);
  try {
    const waiting = { module: module.digest, signal, ...(live ? { show } : {}) };
    return await finish(context, client, request, await outcomeOf(client, submitted, waiting), live);
  } catch (thrown) {
    if (signal.aborted)
      await ask(client, "/jobs/ctl", { op: "cancel", job: submitted.job }).catch(() => undefined);
    throw thrown;
  }
}

/** A limit of nothing is a mistake. */
export function checkWish({ wallMs, memoryBytes, fuel }: RunRequest): void {
  for (const [flag, value] of Object.entries({ time: wallMs, memory: memoryBytes, fuel }))
    if (value === 0) throw fault.nothing(`--${flag} 0`);
}

/** Runs a module in the hive and gives its exit code; 125 for every end that is not the module's. */
export async function runModule(context: Context, request: RunRequest): Promise<number> {
  checkWish(request);
  const module = await readModule(request.file);
  const target = targetOf(context);
  await using client = await connect(target, context.signal);
  if (!request.detach) await checkRights(client, target, context.signal);
  const submitted = await handIn(context, client, request, module);
  await tellLimits(context, client, submitted.job, request);
  if (!request.detach) return await waitFor(context, client, submitted, request, module);
  const { out } = context;
  if (out.wantsJson) await out.json({ job: submitted.job, job_id: submitted.jobId });
  else await out.line(submitted.job);
  return 0;
}
