import { jobIdOf, parseMoment, verifyManifest } from "@skep/receipt";
import { type Deciding, type Decision, type Emitted, join as joinPath } from "@skep/kernel";
import { inputsDigest } from "./arrays.ts";
import { checkAlone, checkpointOf } from "./checkpoint.ts";
import { emit } from "./events.ts";
import { fault } from "./faults.ts";
import {
  anywhere,
  type Input,
  inlineBytes,
  isEnded,
  type Job,
  type JobArray,
  type Jobs,
  leaseMs,
  type Limits,
  mostArrays,
  mostLive,
  type Run,
  type Where,
} from "./model.ts";
import { wishOf } from "./replicate-place.ts";
import type { JobRule } from "./replicate-model.ts";
import { idleFor } from "./schedule.ts";
import { Details, type JobCommand } from "./schema.ts";
import type { JobLimits, Uses } from "./uses.ts";

type Submit = Extract<JobCommand, { op: "submit" }>;
type Many = Extract<JobCommand, { op: "array" }>;
type Wanted = Details["limits"];
type At = Deciding<Jobs, Uses>;

interface Described {
  readonly run: Run;
  readonly jobId: string;
  readonly signer: string;
  readonly stdin: string | undefined;
  readonly expires: number;
  readonly ordering: Ordering;
  readonly array?: NonNullable<Details["array"]>;
}

/** What an event says of where, when and in which order a job runs; what is as always is left out. */
interface Ordering {
  readonly where?: Where;
  readonly priority?: number;
  readonly deadline?: number;
  readonly rule?: JobRule;
}

function orderingOf(
  asked: Pick<Details, "where" | "priority" | "deadline_ms" | "replicas" | "quorum" | "determinism">,
  now: number,
): Ordering {
  const { where, priority, deadline_ms } = asked;
  if (where?.attested) throw fault.attested();
  const rule = wishOf(asked);
  const {
    labels,
    arch,
    memory_bytes: memoryBytes,
    classes,
    data,
  } = where ?? { ...anywhere, memory_bytes: 0 };
  const wanted = {
    labels: [...new Set(labels)].sort(),
    arch,
    memoryBytes,
    classes: [...new Set(classes)].sort(),
    data,
  };
  const plain = JSON.stringify(wanted) === JSON.stringify({ ...anywhere });
  return {
    ...(plain ? {} : { where: wanted }),
    ...(priority === 0 ? {} : { priority }),
    ...(deadline_ms === undefined ? {} : { deadline: now + deadline_ms }),
    ...(rule ? { rule } : {}),
  };
}

function limitsOf(wanted: Wanted, { standard, most }: JobLimits): Limits {
  const fuel = BigInt(wanted.fuel ?? standard.fuel);
  return {
    wallMs: Math.min(wanted.wall_ms ?? standard.wallMs, most.wallMs),
    memoryBytes: Math.min(wanted.memory_bytes ?? standard.memoryBytes, most.memoryBytes),
    fuel: String(fuel > BigInt(most.fuel) ? most.fuel : fuel),
    stdoutBytes: Math.min(wanted.stdout_bytes ?? standard.stdoutBytes, most.stdoutBytes),
    stderrBytes: Math.min(wanted.stderr_bytes ?? standard.stderrBytes, most.stderrBytes),
  };
}

function detailsOf(input: readonly number[]): Details {
  let parsed: unknown;
  try {
    parsed = input.length === 0 ? {} : JSON.parse(Buffer.from(input).toString());
  } catch {
    throw fault.spec("input is no JSON");
  }
  const checked = Details.safeParse(parsed);
  if (!checked.success)
    throw fault.spec(`${checked.error.issues[0]?.path.join(".")}: ${checked.error.issues[0]?.message}`);
  return checked.data;
}

/** The class of work is told only where it is not as always. */
const classOf = ({ class: of }: { readonly class: string }): { readonly class?: string } =>
  of === "general" ? {} : { class: of };

function fromManifest(manifest: Record<string, unknown>, { now }: At, limits: JobLimits): Described {
  const signer = typeof manifest.signer_pubkey === "string" ? manifest.signer_pubkey : "";
  // The ticket is the permission to submit; the signature binds what was submitted to who did.
  const verdict = verifyManifest(manifest, { signers: [signer], now: BigInt(now) * 1_000_000n });
  if (!verdict.ok) throw fault.manifest(`${verdict.failed}: ${verdict.why}`);
  const { payload, expires_at } = verdict.manifest;
  if (payload.kind !== "wasm") throw fault.spec(`kind ${payload.kind}`);
  const digest = /^sha256:([0-9a-f]{64})$/.exec(payload.module_cid)?.[1];
  if (!digest) throw fault.spec("module_cid is no sha256 digest");
  const details = detailsOf(payload.input);
  const wanted = {
    ...details.limits,
    ...(payload.max_duration_ms ? { wall_ms: payload.max_duration_ms } : {}),
    ...(payload.max_memory_bytes ? { memory_bytes: payload.max_memory_bytes } : {}),
  };
  const { args, env, grade, stdin } = details;
  const more = { ...classOf(details), ...checkpointOf(details) };
  const run: Run = {
    kind: "wasm",
    what: digest,
    args,
    env,
    limits: limitsOf(wanted, limits),
    grade,
    ...more,
  };
  const expires =
    expires_at === undefined ? now + 24 * 3600_000 : Number((parseMoment(expires_at) ?? 0n) / 1_000_000n);
  const { array } = details;
  const ordering = orderingOf(details, now);
  checkAlone(details, "wasm", ordering.rule);
  return { run, jobId: verdict.jobId, signer, stdin, expires, ordering, ...(array ? { array } : {}) };
}

function fromRun(
  run: NonNullable<Submit["run"]>,
  stdin: string | undefined,
  { next, caller, now }: At,
  limits: JobLimits,
): Described {
  const what = run.kind === "wasm" ? run.module : run.name;
  if (what === undefined)
    throw fault.spec(run.kind === "wasm" ? "run.module is missing" : "run.name is missing");
  const { kind, args, env, grade } = run;
  const more = { ...classOf(run), ...checkpointOf(run) };
  const made: Run = { kind, what, args, env, limits: limitsOf(run.limits, limits), grade, ...more };
  const ordering = orderingOf(run, now);
  checkAlone(run, kind, ordering.rule);
  const input = [
    ...Buffer.from(JSON.stringify({ ...made, stdin: stdin ?? "", job: next, owner: caller.subject })),
  ];
  // No two unsigned jobs are the same: the number of the record is part of what is hashed.
  const jobId = jobIdOf({
    schema_version: 1,
    payload: { kind: "wasm", module_cid: what, input },
    created_at: "1970-01-01T00:00:00.000000000Z",
  });
  return { run: made, jobId, signer: "", stdin, expires: 0, ordering };
}

type DigestOf = (bytes: Uint8Array) => string;
type Bytes = Many["inputs"][number];

/** Bytes that came inline or are stored, and their digest. */
function bytesOf(given: Bytes, digestOf: DigestOf, { views, caller }: At): { input: Input; digest: string } {
  if ("inline" in given) {
    const bytes = Buffer.from(given.inline, "base64");
    if (bytes.length > inlineBytes) throw fault.inline(`${bytes.length} bytes`);
    return { input: { bytes: bytes.length, inline: given.inline }, digest: digestOf(bytes) };
  }
  const bytes = views.cas.sizeFor(given.digest, caller.subject);
  if (bytes === undefined) throw fault.stdin(given.digest);
  return { input: { bytes, digest: given.digest }, digest: given.digest };
}

function inputOf({ stdin }: Submit, named: string | undefined, digestOf: DigestOf, at: At): Input {
  const empty: Input = { bytes: 0, inline: "" };
  if (stdin && "job" in stdin) {
    if (named !== undefined) throw fault.manifest("the input is not the one that it names");
    return empty;
  }
  const given = stdin ?? (named === undefined ? undefined : { digest: named });
  if (given === undefined) return empty;
  const { input, digest } = bytesOf(given, digestOf, at);
  if (named !== undefined && digest !== named) throw fault.manifest("the input is not the one that it names");
  return input;
}

function checkRoom({ jobs, ended }: Jobs, more: number): void {
  if (jobs.size - ended.size + more > mostLive) throw fault.full(`${mostLive} live at once`);
}

function checkModule(run: Run, { views, caller }: At): void {
  if (run.kind === "wasm" && views.cas.sizeFor(run.what, caller.subject) === undefined)
    throw fault.module(run.what);
}

/** A job that another one waits for: of the same owner, and not ended badly. */
function neededJob(id: string, { state, caller }: At): Job {
  const job = state.jobs.get(id);
  if (!job || (job.owner !== caller.subject && caller.role !== "queen")) throw fault.unknown(id);
  if (isEnded(job.state) && job.state !== "done") throw fault.needs(id);
  return job;
}

interface Needs {
  readonly needs?: readonly string[];
  readonly from?: string;
  readonly stdin?: Input;
}

/** What a job has to wait for; what has ended well already is no need any more. */
function needsOf({ needs, stdin }: Submit, at: At): Needs {
  const from = stdin && "job" in stdin ? stdin.job : undefined;
  const all = [...new Set([...needs, ...(from === undefined ? [] : [from])])];
  if (all.length === 0) return {};
  const jobs = all.map((id) => neededJob(id, at));
  const open = jobs.filter(({ state }) => state !== "done").map(({ id }) => id);
  const given = from === undefined ? undefined : at.state.jobs.get(from)?.end?.stdout;
  return {
    ...(open.length > 0 ? { needs: open } : {}),
    ...(from === undefined ? {} : { from }),
    ...(given ? { stdin: given } : {}),
  };
}

/** The job as it will be, as far as placement looks at it. */
function asPlaced({ run, ordering, jobId }: Described, { caller, now, next }: At): Job {
  const { where = anywhere, priority = 0, rule } = ordering;
  return {
    id: String(next),
    jobId,
    owner: caller.subject,
    submitted: now,
    run,
    where,
    priority,
    want: 1,
    rule,
  } as Job;
}

/** Takes a job: it is leased at once when somebody is idle. */
export function submit(command: Submit, at: At, limits: JobLimits, digestOf: DigestOf): Decision {
  const { state, next, now } = at;
  if ((command.manifest === undefined) === (command.run === undefined))
    throw fault.spec("give either a manifest or a run");
  const named = command.stdin && "digest" in command.stdin ? command.stdin.digest : undefined;
  const described = command.manifest
    ? fromManifest(command.manifest, at, limits)
    : fromRun(command.run as NonNullable<Submit["run"]>, named, at, limits);
  if (described.array) throw fault.manifest("it is for a part of an array");
  const known = state.manifests.get(described.jobId);
  if (known) return { events: [], result: { job: known.job, repeated: true } };
  const { run, jobId, signer, expires, ordering } = described;
  checkRoom(state, 1);
  checkModule(run, at);
  const stdin = inputOf(command, described.stdin, digestOf, at);
  const needs = needsOf(command, at);
  const job = String(next);
  const made = { job, jobId, signer, run, stdin, expires, ...ordering, ...needs };
  const events: Emitted[] = [emit("submitted@1", made)];
  const worker = needs.needs ? undefined : idleFor(at, asPlaced(described, at));
  if (worker !== undefined) events.push(emit("leased@1", { job, worker, until: now + leaseMs }));
  return { events, result: { job, path: joinPath("/jobs", job) } };
}

/** The array that more inputs are for. */
function arrayOf(id: string, { run, array }: Described, { state, caller }: At): JobArray {
  const found = state.arrays.get(id);
  if (!found || found.owner !== caller.subject) throw fault.unknown(id);
  if (found.canceled !== "") throw fault.ended(id);
  const same = JSON.stringify(found.run) === JSON.stringify(run) && found.total === array?.total;
  if (!same) throw fault.manifest("it is for another array");
  return found;
}

function checkParts(first: number, count: number, total: number, parts: JobArray["parts"]): void {
  if (first + count > total) throw fault.manifest(`it has inputs beyond the ${total} that it tells of`);
  for (const [, at, many] of parts)
    if (first < at + many && at < first + count) throw fault.manifest("these places of the array are taken");
}

/** Takes one part of an array: a job for each of its inputs. */
export function submitMany(command: Many, at: At, limits: JobLimits, digestOf: DigestOf): Decision {
  const { state, next } = at;
  const described = fromManifest(command.manifest, at, limits);
  const { run, jobId, signer, expires, ordering, array: part } = described;
  const known = state.manifests.get(jobId);
  if (known) return { events: [], result: { array: known.job, repeated: true } };
  if (!part) throw fault.manifest("it is not for a part of an array");
  checkRoom(state, command.inputs.length);
  checkModule(run, at);
  const given = command.inputs.map((one) => bytesOf(one, digestOf, at));
  if (inputsDigest(given.map(({ digest }) => digest)) !== part.inputs)
    throw fault.manifest("the inputs are not those that it names");
  const before = command.array === undefined ? undefined : arrayOf(command.array, described, at);
  checkParts(part.first, given.length, part.total, before?.parts ?? []);
  if (!before && [...state.arrays.values()].filter(({ endedAt }) => endedAt === 0).length >= mostArrays)
    throw fault.full(`${mostArrays} arrays at once`);
  const array = before?.id ?? String(next);
  const { first, total } = part;
  const inputs = given.map(({ input }) => input);
  const events = [
    emit("arrayed@1", { array, total, first, inputs, jobId, signer, run, expires, ...ordering }),
  ];
  return {
    events,
    result: { array, part: String(next), first, count: inputs.length, path: joinPath("/jobs", array) },
  };
}
