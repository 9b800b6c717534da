import type { Json, Table } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { z } from "zod";

/** Rules take less than this many characters. */
const mostRules = 16 * 1024;

const Reason = z.strictObject({ rule: z.string().max(32), text: z.string().max(256) });

/** What a worker tells of its owner: nobody else may, and nothing comes back. */
export const OwnerCommand = z.strictObject({
  op: z.literal("owner"),
  state: z.enum(["run", "freeze", "give-back", "paused"]),
  /** Since when, milliseconds since 1970, by the worker's clock. */
  since: z.int(),
  until: z.int().optional(),
  reasons: z.array(Reason).max(16).default([]),
  /** Rules that nothing there can see to. */
  blind: z.array(z.string().max(32)).max(16).default([]),
  /** GPUs that are not lent now, each with why. */
  gpus: z.record(z.string().max(16), z.string().max(256)).default({}),
  /** By their names, as texts. */
  rules: z
    .record(z.string().max(64), z.string())
    .default({})
    .refine((rules) => JSON.stringify(rules).length < mostRules, `more than ${mostRules} characters`),
});

/** The same, parsed. */
export type OwnerTold = Omit<z.output<typeof OwnerCommand>, "op">;

/** What is known of the owners' rules, by worker. Bound: one entry for each worker that ever told any. */
export type Owners = Table<OwnerTold & { readonly [key: string]: Json | undefined }>;

const clean = (value: unknown): string => escapeForeign(String(value), { form: "wire" });

/** `owner` of a worker: what its owner's rules say now, and the rules, one `name=value` a line. */
export function ownerText(told: OwnerTold | undefined): string {
  if (!told) return "state=run\n";
  const { state, since, until, reasons, blind, gpus, rules } = told;
  const lines: [string, unknown][] = [
    ["state", state],
    ["since_ms", since],
    ...(until === undefined ? [] : [["until_ms", until] as [string, unknown]]),
    ...reasons.map(({ rule, text }): [string, unknown] => [`why.${clean(rule)}`, text]),
    ...(blind.length > 0 ? [["unseen", blind.join(",")] as [string, unknown]] : []),
    ...Object.entries(gpus).map(([gpu, why]): [string, unknown] => [`gpu.${clean(gpu)}`, why]),
    ...Object.entries(rules).map(([rule, value]): [string, unknown] => [`rule.${clean(rule)}`, value]),
  ];
  return lines.map(([name, value]) => `${name}=${clean(value)}\n`).join("");
}
