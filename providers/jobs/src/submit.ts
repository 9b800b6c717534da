import { jobIdOf, parseMoment, verifyManifest } from "@skep/receipt";
import { type Deciding, type Decision, type Emitted, join as joinPath } from "@skep/kernel";
import { emit } from "./events.ts";
import { fault } from "./faults.ts";
import { type Input, inlineBytes, type Jobs, leaseMs, type Limits, type Run } from "./model.ts";
import { Details, type JobCommand } from "./schema.ts";

/** Views that jobs use. */
export interface Uses {
  readonly cas: {
    sizeFor(digest: string, subject: string): number | undefined;
    size(digest: string): number | undefined;
  };
  readonly workers: { get(id: string): { readonly key: string } | undefined };
}

/** Limits where a job names none, and the most that it may ask for. */
export interface JobLimits {
  readonly standard: Limits;
  readonly most: Limits;
}

type Submit = Extract<JobCommand, { op: "submit" }>;
type Wanted = Details["limits"];
type At = Deciding<Jobs, Uses>;

interface Described {
  readonly run: Run;
  readonly jobId: string;
  readonly signer: string;
  readonly stdin: string | undefined;
  readonly expires: number;
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
  const run: Run = { kind: "wasm", what: digest, args, env, limits: limitsOf(wanted, limits), grade };
  const expires =
    expires_at === undefined ? now + 24 * 3600_000 : Number((parseMoment(expires_at) ?? 0n) / 1_000_000n);
  return { run, jobId: verdict.jobId, signer, stdin, expires };
}

function fromRun(
  run: NonNullable<Submit["run"]>,
  stdin: string | undefined,
  { next, caller }: At,
  limits: JobLimits,
): Described {
  const what = run.kind === "wasm" ? run.module : run.name;
  if (what === undefined)
    throw fault.spec(run.kind === "wasm" ? "run.module is missing" : "run.name is missing");
  const { kind, args, env, grade } = run;
  const made: Run = { kind, what, args, env, limits: limitsOf(run.limits, limits), grade };
  const input = [
    ...Buffer.from(JSON.stringify({ ...made, stdin: stdin ?? "", job: next, owner: caller.subject })),
  ];
  // No two unsigned jobs are the same: the number of the record is part of what is hashed.
  const jobId = jobIdOf({
    schema_version: 1,
    payload: { kind: "wasm", module_cid: what, input },
    created_at: "1970-01-01T00:00:00.000000000Z",
  });
  return { run: made, jobId, signer: "", stdin, expires: 0 };
}

function inputOf(
  command: Submit,
  named: string | undefined,
  digestOf: (bytes: Uint8Array) => string,
  { views, caller }: At,
): Input {
  const { stdin } = command;
  if (stdin && "inline" in stdin) {
    const bytes = Buffer.from(stdin.inline, "base64");
    if (bytes.length > inlineBytes) throw fault.inline(`${bytes.length} bytes`);
    if (named !== undefined && digestOf(bytes) !== named)
      throw fault.manifest("the input is not the one that it names");
    return { bytes: bytes.length, inline: stdin.inline };
  }
  const digest = stdin?.digest ?? named;
  if (digest === undefined) return { bytes: 0, inline: "" };
  if (named !== undefined && digest !== named) throw fault.manifest("the input is not the one that it names");
  const bytes = views.cas.sizeFor(digest, caller.subject);
  if (bytes === undefined) throw fault.stdin(digest);
  return { bytes, digest };
}

/** The worker that has been idle longest among those that take this kind. */
export function idleFor(state: Jobs, kind: string, except?: string): string | undefined {
  for (const id of state.idle.keys())
    if (id !== except && state.capacity.get(id)?.kinds.includes(kind)) return id;
  return undefined;
}

/** Takes a job: it is leased at once when somebody is idle. */
export function submit(
  command: Submit,
  at: At,
  limits: JobLimits,
  digestOf: (bytes: Uint8Array) => string,
): Decision {
  const { state, views, caller, next, now } = at;
  if ((command.manifest === undefined) === (command.run === undefined))
    throw fault.spec("give either a manifest or a run");
  const named = command.stdin && "digest" in command.stdin ? command.stdin.digest : undefined;
  const described = command.manifest
    ? fromManifest(command.manifest, at, limits)
    : fromRun(command.run as NonNullable<Submit["run"]>, named, at, limits);
  const known = state.manifests.get(described.jobId);
  if (known) return { events: [], result: { job: known.job, repeated: true } };
  const { run, jobId, signer, expires } = described;
  if (run.kind === "wasm" && views.cas.sizeFor(run.what, caller.subject) === undefined)
    throw fault.module(run.what);
  const stdin = inputOf(command, described.stdin, digestOf, at);
  const job = String(next);
  const events: Emitted[] = [emit("submitted@1", { job, jobId, signer, run, stdin, expires })];
  const worker = state.queue.size === 0 ? idleFor(state, run.kind) : undefined;
  if (worker !== undefined) events.push(emit("leased@1", { job, worker, until: now + leaseMs }));
  return { events, result: { job, path: joinPath("/jobs", job) } };
}
