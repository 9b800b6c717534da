import { z } from "zod";
import { causes } from "./state.ts";

/** Words that move the hive from state to state, as the original has them. */
export const moves = ["cordon", "drain", "resume", "quiesce", "reset"] as const;

/** One of them. */
export type Move = (typeof moves)[number];

const [, ...byHand] = causes;

/** One line: a move, or a cut and its end, each with its reason. */
export const Command = z
  .discriminatedUnion("action", [
    z.strictObject({ action: z.enum(moves), reason: z.string().max(128).default("") }),
    z.strictObject({ action: z.literal("cut"), cause: z.enum(byHand) }),
    z.strictObject({ action: z.literal("restore"), cause: z.enum(byHand).optional() }),
  ])
  .meta({ id: "LifecycleCommand" });

/** A command that was checked. */
export type LifecycleCommand = z.output<typeof Command>;

/** `drain`, `drain because of a new disk`, `cut policy_denied`, `restore`; the schema judges what comes of it. */
export function parseLine(line: string): Record<string, string> {
  const [action = "", ...rest] = line.trim().split(/\s+/);
  const more = rest.join(" ");
  if (action === "cut" || action === "restore") return more === "" ? { action } : { action, cause: more };
  return more === "" ? { action } : { action, reason: more };
}
