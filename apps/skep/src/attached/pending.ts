import { faults } from "@skep/fault";
import { z } from "zod";
import type { Pending } from "./tickets.ts";

const fault = faults("attached", {
  pending: ["corrupt", "Cannot read which tickets wait: the hive tells it in a form that is none of ours"],
});

const value = z.union([z.string(), z.number(), z.boolean()]);

const Told = z.array(
  z.object({
    id: z.string().min(1).max(128),
    n: z.int().min(0),
    state: z.enum(["queued", "claimed", "running"]),
    action: z.string().includes("."),
    target: z.string().min(1),
    params: z.record(z.string(), z.union([z.string(), z.number()])),
    before: z.record(z.string(), value).nullable(),
    since_ms: z.number(),
  }),
);

/** Reads `pending.json`: what is taken from it is remembered over starts. Throws `attached.pending`. */
export function readPending(text: string): readonly Pending[] {
  try {
    return Told.parse(JSON.parse(text));
  } catch (cause) {
    throw fault.pending(undefined, { cause });
  }
}
