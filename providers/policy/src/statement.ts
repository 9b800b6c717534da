import { createHash } from "node:crypto";
import { canonical } from "@skep/canon";
import { Fault } from "@skep/fault";
import type { Json, PolicyAsk } from "@skep/kernel";
import { printStatement } from "@skep/statement";
import type { KeptNeed } from "./model.ts";

type Statement = Parameters<typeof printStatement>[0];

function undoOf({ class: kind, compensation }: PolicyAsk): string {
  if (kind === "reversible") return "It can be undone with skep undo";
  if (kind === "compensable") return compensation ?? "It can be compensated, not undone";
  return "It cannot be undone";
}

function parametersOf(command: Json): Record<string, unknown> {
  if (typeof command !== "object" || command === null || Array.isArray(command)) return { value: command };
  const { op: _, ...rest } = command as Readonly<Record<string, Json | undefined>>;
  return rest;
}

/** What a command that is too long for a person to read is known by. */
function digestOf(command: Json): Record<string, unknown> {
  const op =
    typeof command === "object" && command !== null && "files" in command ? command.files : undefined;
  const files = typeof op === "object" && op !== null ? { files: Object.keys(op) } : {};
  return { ...files, command_sha256: createHash("sha256").update(canonical(command)).digest("hex") };
}

// Acts of a statement begin with a small letter and have nothing but letters, digits and dashes.
function actOf({ path, act }: PolicyAsk): string {
  const [, area = "hive"] = path.split("/");
  return `${area.toLowerCase()}.${act}`.replace(/[^A-Za-z0-9.-]/g, "-").slice(0, 64);
}

/** The text that approvers read and sign: the same bytes for all of them, good for this action only. */
export function statementOf(
  ask: PolicyAsk,
  { version, needs, id, ttl }: { version: number; needs: readonly KeptNeed[]; id: string; ttl: number },
): string {
  const from = Math.floor(ask.now / 1000);
  const recovery = needs.length > 0 && needs.every(({ role }) => role === "recovery");
  const statement: Statement = {
    act: actOf(ask),
    target: ask.path,
    targetIdentity: `sha256:${ask.target()}`,
    targetDigest: null,
    parameters: parametersOf(ask.command),
    reason: ask.reason ?? "none given",
    undo: undoOf(ask),
    hive: ask.hive,
    policyVersion: `v${version}`,
    notBefore: from,
    notAfter: from + Math.max(1, Math.ceil(ttl / 1000)),
    nonce: ask.chance().slice(0, 64),
    role: recovery ? "recovery" : "operational",
    action: id,
  };
  try {
    return printStatement(statement);
  } catch (thrown) {
    if (!(thrown instanceof Fault) || !["statement.oversize", "statement.value"].includes(thrown.code))
      throw thrown;
    return printStatement({ ...statement, parameters: digestOf(ask.command) });
  }
}
