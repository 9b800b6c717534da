import { createHash } from "node:crypto";
import { canonical } from "@skep/canon";
import type { KernelSlice } from "../core/slice.ts";
import type { Deciding } from "../namespace/node.ts";
import type { Intent } from "./intent.ts";
import type { Acting, PolicyAsk } from "./policy.ts";

interface View {
  readonly kernel: KernelSlice;
  readonly now: number;
  readonly deciding: (intent: Intent) => Deciding;
}

/** The digest of what an act is aimed at, as its control tells it now. */
function targetOf(intent: Intent, acting: Acting, deciding: Deciding): string {
  const told = acting.act?.target?.(intent.command as never, deciding as Deciding<never, never>) ?? null;
  return createHash("sha256")
    .update(canonical([intent.found.path, told]))
    .digest("hex");
}

/** An intent as the policy engine sees it; `deciding` gives what its control's decision would see. */
export function askOf(intent: Intent, acting: Acting, view: View): PolicyAsk {
  const { found, node, actor, line } = intent;
  const { subject, role, blocks, expiresAt } = actor.authority;
  let deciding: Deciding | undefined;
  const scene = (): Deciding => {
    deciding ??= view.deciding(intent);
    return deciding;
  };
  const storable = node.kind === "value" || (!node.upload && (node.secret ?? []).length === 0);
  return {
    path: found.path,
    subject,
    role,
    blocks,
    expiresAt,
    right: node.right,
    as: acting.act?.as ?? role,
    act: acting.name,
    class: acting.class,
    data: acting.data,
    compensation: acting.act?.compensation,
    hive: view.kernel.hive.get().id,
    lifecycle: view.kernel.lifecycle.get().state,
    now: view.now,
    line: storable ? line : undefined,
    key: intent.key,
    reason: intent.reason,
    command: intent.stored,
    waiting: intent.approved,
    target: () => targetOf(intent, acting, scene()),
    next: () => scene().next,
    chance: () => scene().chance,
    about: () => acting.act?.about?.(intent.command as never, scene() as Deciding<never, never>) ?? {},
  };
}
