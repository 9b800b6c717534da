import { type Check, checked, checks } from "../gate/checks.ts";
import type { Intent } from "../gate/intent.ts";
import type { Approved } from "../gate/policy.ts";
import type { JournalRecord, RecordEvent } from "../journal/record.ts";
import type { ControlNode, Json, ValueNode } from "../namespace/node.ts";
import type { Found, Place } from "../namespace/place.ts";
import { type Authority, type BlockBudget, callerOf } from "../session/authority.ts";
import { completion } from "../session/open.ts";
import { Rates } from "../session/rates.ts";
import { fault } from "./faults.ts";

type Data = Readonly<Record<string, Json | undefined>>;

function dataOf(events: readonly RecordEvent[], type: string): Data | undefined {
  const found = events.find(({ t }) => t === type)?.d;
  return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as Data) : undefined;
}

/** The node of a path, whoever may see it: what a record tells was seen. */
export function placeOf(tree: Place, path: string): Found {
  let place = tree;
  const params: Record<string, string> = {};
  for (const name of path.split("/").slice(1)) {
    const declared = place.entries.get(name);
    if (!declared && place.node.kind === "each") params[place.node.param] = name;
    const next = declared ?? place.child;
    if (!next) throw fault.gone(path);
    place = next;
  }
  return { place, path, params };
}

function controlOf({ place, path }: Found): ControlNode | ValueNode {
  const { node } = place;
  if (node.kind === "control" || node.kind === "value") return node;
  if (node.kind === "blob") return completion(node);
  throw fault.gone(path);
}

/** True where a secret took part: the record has a reference in its place. */
export function hasSecret(node: ControlNode | ValueNode, command: Json): boolean {
  if (node.kind !== "control" || typeof command !== "object" || command === null) return false;
  return (node.secret ?? []).some((name) => name in command);
}

/**
 * What of the input the record has only in its events: the line as it came, its length, the budgets and limits of the
 * ticket. They are input, not judgement.
 */
interface Input {
  readonly line: string;
  readonly blocks: readonly BlockBudget[];
  readonly expiresAt?: number | undefined;
  readonly session: string;
}

const unbounded = Number.MAX_SAFE_INTEGER;

function lineOf(command: Json, asked: Data | undefined, charged: Data | undefined): string {
  if (typeof asked?.line === "string") return asked.line;
  if (typeof charged?.bytes === "number") return " ".repeat(charged.bytes);
  return typeof command === "string" ? command : JSON.stringify(command);
}

function inputOf({ events, ticket, command }: JournalRecord): Input {
  const asked = dataOf(events, "policy:asked@1");
  const charged = dataOf(events, "kernel:charged@1");
  const names = events.map(({ d }) => (d as Data | null)?.session);
  const session = names.find((name) => typeof name === "string") ?? "replay";
  const line = lineOf(command, asked, charged);
  if (asked)
    return {
      line,
      session,
      blocks: asked.blocks as unknown as readonly BlockBudget[],
      expiresAt: typeof asked.expiresAt === "number" ? asked.expiresAt : undefined,
    };
  const budgeted = new Set(Array.isArray(charged?.blocks) ? charged.blocks : []);
  const blocks = ticket.map((id) => (budgeted.has(id) ? { id, ops: unbounded } : { id }));
  return { line, session, blocks };
}

const full = { meters: [] };

/** An intent as it came, made from its record; every right is granted, since the record has tickets by id only. */
export function intentOf(record: JournalRecord, tree: Place, approved: Approved | undefined): Intent {
  const found = placeOf(tree, record.path);
  const node = controlOf(found);
  const { line, blocks, expiresAt, session } = approved
    ? { ...inputOf(record), line: approved.line, blocks: approved.blocks, session: "approved" }
    : inputOf(record);
  const { subject, role = "" } = record;
  const authority: Authority = { subject, role, blocks, expiresAt, allows: () => full, touches: () => true };
  return {
    found,
    node,
    line,
    actor: {
      id: session,
      authority,
      caller: callerOf(authority, session),
      rates: new Rates(unbounded),
      state: "ACTIVE",
    },
    key: record.key,
    epoch: undefined,
    issued: undefined,
    trace: record.trace,
    reason: record.reason,
    command: undefined,
    stored: record.command,
    known: false,
    acting: undefined,
    policy: "none",
    consumed: [],
    waits: undefined,
    approved: record.approved,
  };
}

function schema(intent: Intent): undefined {
  const { node, stored } = intent;
  intent.command = node.kind === "value" ? stored : checked(node.input, stored);
}

/** The gate over a recorded intent: its line was parsed when it came. */
export const replayChecks: readonly Check[] = checks
  .filter(({ name }) => name !== "frame")
  .map((check) => (check.name === "schema" ? { name: "schema", check: schema } : check));
