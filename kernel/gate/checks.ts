import { createHash } from "node:crypto";
import { faults } from "@skep/fault";
import { canonical } from "@skep/canon";
import { type ZodType, z } from "zod";
import type { Limits } from "../limits.ts";
import type { ControlNode, Deciding, Json } from "../namespace/node.ts";
import type { KernelSlice } from "../core/slice.ts";
import { askOf } from "./ask.ts";
import type { Bans } from "./bans.ts";
import type { Answer, Intent } from "./intent.ts";
import { actOf, type PolicyEngine } from "./policy.ts";

export const fault = faults("gate", {
  long: ["oversize", "Cannot take a line that is longer than the limit"],
  newline: ["invalid", "Cannot take a line with a newline or NUL inside"],
  closed: ["cut", "Cannot act on a session that is closed", { detail: "session-closed" }],
  draining: [
    "busy",
    "Cannot take new work while the hive drains",
    {
      cure: "Try again after the hive is ONLINE: `skep cat /proc/lifecycle/state`",
      detail: "lifecycle-denied",
    },
  ],
  dated: [
    "busy",
    "Cannot grant anything with a date while the clock is not trusted",
    { cure: 'Confirm the time with `skep echo \'{"clock":"confirm"}\' /queen/ctl`' },
  ],
  space: [
    "busy",
    "Cannot take a new command: the disk is full",
    { cure: "Free space on the disk of the home, or run `skep gc`" },
  ],
  lowSpace: [
    "busy",
    "Cannot take new work: less than 5 % of the disk is free",
    { cure: "Free space on the disk of the home, or run `skep gc`" },
  ],
  denied: ["denied", "Cannot write here with this ticket", { detail: "denied" }],
  expired: [
    "denied",
    "Cannot act with a ticket that has expired",
    { cure: "Mint a new one: `skep ticket mint`", detail: "expired" },
  ],
  schema: ["invalid", "Cannot take this command", { detail: "invalid-payload" }],
  json: ["invalid", "Cannot take a line that is not one JSON object", { detail: "invalid-payload" }],
  fence: ["stale", "Cannot act for an older writer epoch"],
  conflict: ["conflict", "Cannot use one key for two different commands"],
  horizon: ["stale", "Cannot run a keyed command that was issued before the horizon of 24 hours"],
  ahead: [
    "stale",
    "Cannot run a keyed command that was issued in the future",
    { cure: "Compare the clocks of the hive and of who sent it" },
  ],
  waits: ["waiting", "Stored until it is approved, as action"],
  rate: [
    "quota",
    "Cannot act that often with this ticket",
    { cure: "Wait a second and try again", detail: "rate" },
  ],
  budget: [
    "quota",
    "Cannot act: a budget of the ticket is used up",
    { cure: "Ask for a ticket with a larger budget" },
  ],
});

/** What the checks may look at: state and time, nothing that acts. */
export interface GateView {
  readonly limits: Limits;
  readonly kernel: KernelSlice;
  /** Hive time and monotonic time, milliseconds. */
  readonly now: number;
  readonly monotonic: number;
  readonly epoch: number;
  readonly space: "ok" | "low" | "tight" | "full";
  /** What judges by policy; undefined when no provider does. */
  readonly policy: PolicyEngine | undefined;
  /** What is banned; undefined where no provider tells. */
  readonly bans?: Bans | undefined;
  /** What the provider's decision of an intent would see. */
  readonly deciding: (intent: Intent) => Deciding;
}

/** One check: throws a fault, gives a remembered answer, or lets the intent pass. */
export interface Check {
  readonly name: string;
  check(intent: Intent, view: GateView): Answer | undefined;
}

function frame({ line }: Intent, { limits: { line: most } }: GateView): undefined {
  if (line.length > most || Buffer.byteLength(line) > most) throw fault.long();
  if (/[\n\0]/.test(line)) throw fault.newline();
}

function session({ actor }: Intent, { now }: GateView): undefined {
  if (actor.state === "CLOSED") throw fault.closed();
  if (actor.authority.expiresAt !== undefined && now >= actor.authority.expiresAt) throw fault.expired();
}

function lifecycle({ actor, node }: Intent, { kernel, space }: GateView): undefined {
  if (actor.id === "system") return;
  if (space === "full" && !(node.kind === "control" && node.outcome)) throw fault.space();
  const state = kernel.lifecycle.get().state;
  if (state === "QUIESCED" && actor.authority.role !== "queen") throw fault.draining();
}

function right(intent: Intent): undefined {
  const { path } = intent.found;
  const grant = intent.actor.authority.allows(path, intent.node.right ?? "write");
  if (!grant || !intent.actor.authority.allows(path, "write")) throw fault.denied(path);
  intent.known = true;
}

const whole = z.int().min(0);
const Envelope = z.object({
  $key: z.string().min(1).max(128).optional(),
  $epoch: whole.optional(),
  $at: whole.optional(),
  $trace: z.string().min(1).max(128).optional(),
  $reason: z.string().min(1).max(1024).optional(),
});
const envelope = Object.keys(Envelope.shape);

/** The original's envelope: another way to say the same. */
const Wrapped = z.strictObject({
  schema: z.string().min(1).max(64),
  id: z.string().min(1).max(124),
  idempotency_key: z.string().min(1).max(128),
  issued_unix_ms: whole,
  cmd: z.record(z.string(), z.unknown()),
});

function unwrapOriginal(intent: Intent, parsed: Record<string, unknown>): Record<string, unknown> {
  const { id, idempotency_key, issued_unix_ms, cmd } = checked(Wrapped, parsed);
  intent.key = idempotency_key;
  intent.issued = issued_unix_ms;
  intent.trace = `id:${id}`;
  return cmd;
}

function unwrap(intent: Intent, parsed: Record<string, unknown>): Record<string, unknown> {
  if ("cmd" in parsed && "idempotency_key" in parsed) return unwrapOriginal(intent, parsed);
  if (!envelope.some((name) => name in parsed)) return parsed;
  const { $key, $epoch, $at, $trace, $reason, ...command } = parsed;
  const told = checked(Envelope, { $key, $epoch, $at, $trace, $reason });
  intent.key = told.$key ?? intent.key;
  intent.epoch = told.$epoch;
  intent.issued = told.$at;
  intent.trace = told.$trace ?? intent.trace;
  intent.reason = told.$reason;
  return command;
}

/** A value that fits its schema. Throws `gate.schema` with the first misfit. */
export function checked<T>(schema: ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.length ? `${issue.path.join(".")}: ` : "";
  throw fault.schema(`${at}${issue?.message ?? "misfit"}`);
}

function parseObject(line: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw fault.json();
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw fault.json();
  return parsed as Record<string, unknown>;
}

/** The command of a line, without its envelope. Throws `gate.json`, `gate.schema`. */
export function commandOf(node: ControlNode, line: string): unknown {
  const nobody = { key: undefined } as Intent;
  return checked(node.input, node.parse ? node.parse(line) : unwrap(nobody, parseObject(line)));
}

function withoutSecrets(command: unknown, secret: readonly string[]): Json {
  if (secret.length === 0 || typeof command !== "object" || command === null) return command as Json;
  const copy: Record<string, unknown> = { ...command };
  for (const name of secret) if (name in copy) copy[name] = { secret: name };
  return copy as Json;
}

function schema(intent: Intent): undefined {
  const { node } = intent;
  if (node.kind === "value") {
    intent.command = intent.line;
    intent.stored = intent.line;
    return;
  }
  const raw = node.parse ? node.parse(intent.line) : unwrap(intent, parseObject(intent.line));
  intent.command = checked(node.input, raw);
  intent.stored = withoutSecrets(raw, node.secret ?? []);
}

function fence({ epoch }: Intent, view: GateView): undefined {
  if (epoch !== undefined && epoch !== view.epoch) throw fault.fence(`epoch ${epoch}, now ${view.epoch}`);
}

/** Under which name a key is remembered, and what tells its command from another. */
export function keyOf(intent: Intent): { readonly name: string; readonly command: string } {
  const text = `${intent.found.path}\n${canonical(intent.stored)}`;
  return {
    name: `${intent.actor.authority.subject}\n${intent.key}`,
    command: createHash("sha256").update(text).digest("base64url").slice(0, 22),
  };
}

function idempotency(intent: Intent, { kernel, now, limits }: GateView): Answer | undefined {
  if (intent.key === undefined) return undefined;
  if (intent.issued !== undefined && intent.issued < now - limits.keyHorizon) throw fault.horizon();
  // Its key would be forgotten before it is too old to run again.
  if (intent.issued !== undefined && intent.issued > now + limits.clockJump) throw fault.ahead();
  const { name, command } = keyOf(intent);
  const known = kernel.keys.get(name);
  if (!known) return undefined;
  if (known.command !== command) throw fault.conflict(intent.key);
  return { id: known.seq, verdict: "ok", ...(known.result === null ? {} : { result: known.result }) };
}

function quota(intent: Intent, { kernel, monotonic }: GateView): undefined {
  const { authority, rates } = intent.actor;
  const grant = authority.allows(intent.found.path, "write");
  if (grant && intent.actor.id !== "system" && !rates.take(grant, "write", monotonic))
    throw fault.rate(intent.found.path);
  for (const block of authority.blocks) {
    const used = kernel.budgets.get(block.id);
    if (block.ops !== undefined && (used?.ops ?? 0) >= block.ops) throw fault.budget("ops");
    if (block.bytes !== undefined && (used?.bytes ?? 0) + intent.line.length > block.bytes)
      throw fault.budget("bytes");
  }
}

/** The answer to a line that waits for approvals under this id. */
export function waitingAnswer(id: string): Answer {
  const { kind, code, message, cure, row } = fault.waits(id, {
    cure: `Follow it with \`skep approvals ${id}\`; who may approve it: \`skep approve ${id}\``,
  });
  const told = { id: Number(id), verdict: "waiting", kind, code, reason: row.reason, message } as const;
  return cure === undefined ? told : { ...told, next: cure };
}

function bans({ actor, node, command }: Intent, { bans: standing }: GateView): undefined {
  if (!standing?.active || actor.id === "system") return;
  const uses = actOf(node, command).act?.uses?.(command as never) ?? [];
  const { subject, blocks } = actor.authority;
  const refusal = standing.refusal({ subject, blocks: blocks.map(({ id }) => id) }, uses);
  if (refusal) throw refusal;
}

function policy(intent: Intent, view: GateView): Answer | undefined {
  if (!view.policy?.active) return undefined;
  intent.acting = actOf(intent.node, intent.command);
  const verdict = view.policy.judge(askOf(intent, intent.acting, view));
  intent.policy = verdict.policy;
  if (verdict.verdict === "deny") throw verdict.fault;
  if (verdict.verdict === "allow") intent.consumed = verdict.events;
  else if (verdict.known !== undefined) return waitingAnswer(verdict.known);
  else intent.waits = verdict.events;
  return undefined;
}

function work(intent: Intent, { kernel, space }: GateView): undefined {
  const { node } = intent;
  if (node.kind !== "control" || !node.work) return;
  if (typeof node.work === "function" && !node.work(intent.command as never)) return;
  const { state, clock } = kernel.lifecycle.get();
  if (clock === "untrusted") throw fault.dated();
  if (state !== "ONLINE" && state !== "DEGRADED") throw fault.draining(state);
  if (space === "tight" || space === "full") throw fault.lowSpace();
}

/** Throws when bytes may not come in: uploads are new work, unless a worker brings what its job gave. */
export function checkUpload(role: string, space: GateView["space"]): void {
  if (role === "worker" || role.startsWith("worker-")) return;
  if (space === "full") throw fault.space();
  if (space === "tight") throw fault.lowSpace();
}

/**
 * The gate: pure checks in this order (DESIGN §3). What `policy` lets wait passes `work` too, and is then stored
 * instead of decided; the provider's `decide` follows the last.
 */
export const checks: readonly Check[] = [
  { name: "frame", check: frame },
  { name: "session", check: session },
  { name: "lifecycle", check: lifecycle },
  { name: "right", check: right },
  { name: "schema", check: schema },
  { name: "fence", check: fence },
  { name: "idempotency", check: idempotency },
  { name: "quota", check: quota },
  { name: "bans", check: bans },
  { name: "policy", check: policy },
  { name: "work", check: work },
];
