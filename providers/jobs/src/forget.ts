import type { Decision } from "@skep/kernel";
import { emit } from "./events.ts";
import type { Jobs } from "./model.ts";

/** Jobs that one record forgets at most. */
const batch = 256;

/** When the first ended job may leave state; undefined for never. */
export function nextForgotten({ ended }: Jobs, keep: number): number | undefined {
  const first = ended.first();
  return first === undefined ? undefined : (ended.get(first) ?? 0) + keep;
}

/** Adds to a decision that jobs which ended so long ago leave state; the journal still has them, by the index. */
export function forget(
  { ended }: Jobs,
  keep: number,
  now: number,
  due: Decision | undefined,
): Decision | undefined {
  const over: string[] = [];
  for (const [id, time] of ended.entries()) {
    if (time + keep > now || over.length === batch) break;
    over.push(id);
  }
  if (over.length === 0) return due;
  return { ...due, events: [...(due?.events ?? []), emit("forgotten@1", { jobs: over })] };
}
