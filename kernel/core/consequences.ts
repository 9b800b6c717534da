import { actOf } from "../gate/policy.ts";
import { keyOf } from "../gate/checks.ts";
import type { Intent } from "../gate/intent.ts";
import type { JournalRecord, RecordEvent } from "../journal/record.ts";
import type { Deciding, Json } from "../namespace/node.ts";
import { policyProvider } from "./approved.ts";

/** Events beside the decision's own: the key, the budgets, and what the checks consumed. */
export function consumedBy(intent: Intent, result: Json): RecordEvent[] {
  const events: RecordEvent[] = [];
  if (intent.key !== undefined) events.push({ t: "kernel:keyed@1", d: { ...keyOf(intent), result } });
  const budgeted = intent.actor.authority.blocks.filter(
    ({ ops, bytes }) => ops !== undefined || bytes !== undefined,
  );
  if (budgeted.length > 0)
    events.push({
      t: "kernel:charged@1",
      d: { blocks: budgeted.map(({ id }) => id), ops: 1, bytes: intent.line.length },
    });
  for (const { type, data } of intent.consumed) events.push({ t: `${policyProvider}:${type}`, d: data });
  return events;
}

/** The command that takes a reversible act back, made before the act changes what it is made from. */
export function inverseOf(
  intent: Intent,
  deciding: Deciding<never, never>,
  result: Json,
): JournalRecord["undo"] {
  const { node, found, command } = intent;
  if (node.kind === "value")
    return node.compensation === undefined ? { path: found.path, command: node.read(deciding) } : undefined;
  if (!node.acts) return undefined;
  const { act } = intent.acting ?? actOf(node, command);
  if (act?.class !== "reversible" || !act.inverse) return undefined;
  const inverse = act.inverse(command as never, deciding, result);
  return { path: inverse.path ?? found.path, command: inverse.command };
}
