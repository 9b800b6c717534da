import { actions } from "@skep/provider-host";
import { z } from "zod";
import { ownText, rulesIn, span } from "../attached/rules-file.ts";
import { fault } from "./faults.ts";
import type { UpdatePlace } from "./updates.ts";

const every = span(250, 600_000);
const enabled = z.boolean().optional();

const Rules = z.strictObject({
  allow: z
    .array(
      z.strictObject({
        action: z.enum(actions),
        target: z.array(z.string().min(1).max(255)).min(1).max(100),
      }),
    )
    .max(100)
    .default([]),
  systemd: z.strictObject({ enabled, every: every.default(2000), bus: z.string().optional() }).prefault({}),
  docker: z.strictObject({ enabled, every: every.default(2000), socket: z.string().optional() }).prefault({}),
  k8s: z
    .strictObject({
      enabled,
      every: every.default(5000),
      api: z.url().optional(),
      token_file: z.string().optional(),
      ca_file: z.string().optional(),
    })
    .prefault({}),
  nvidia: z
    .strictObject({ enabled, every: every.default(1000), program: z.string().optional() })
    .prefault({}),
  /** By the name that tickets have for it. */
  update: z
    .record(
      z.string().regex(/^\w[\w.-]{0,63}$/),
      z.strictObject({
        to: z.string().startsWith("/"),
        owner: z.string().startsWith("/"),
        health: z.string().startsWith("/").optional(),
        health_timeout: span(100, 600_000).default(60_000),
      }),
    )
    .prefault({}),
  peft: z.strictObject({ folder: z.string().optional() }).prefault({}),
  net: z.strictObject({ enabled, every: every.default(1000), folder: z.string().optional() }).prefault({}),
});

/** What the owner of this machine lets an agent see and do. */
export type Rules = z.output<typeof Rules>;

/** What holds where there is no file: everything that is there is seen, and nothing may be done. */
export const noRules: Rules = Rules.parse({});

/** Reads rules from a text. Throws `host-agent.rules`. */
export function parseRules(text: string, file: string): Rules {
  return rulesIn(() => Rules, text, file, fault.rules);
}

/**
 * Reads the allow-list: a hive that could write it would allow itself what it likes. Throws `host-agent.rules`,
 * `rules-file.owner`.
 */
export function readRules(file: string, own: number): Rules {
  const text = ownText(file, own);
  return text === undefined ? noRules : parseRules(text, file);
}

/** Whether a name fits a pattern, in which `*` stands for anything. */
export function fits(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
}

/** Whether the owner of this machine lets this be done. */
export function allows({ allow }: Rules, action: string, target: string): boolean {
  return allow.some((one) => one.action === action && one.target.some((pattern) => fits(pattern, target)));
}

/** The allow-list as the hive is told it. */
export function allowLines({ allow }: Rules): string[] {
  return allow.flatMap(({ action, target }) => target.map((pattern) => `${action} ${pattern}`)).slice(0, 100);
}

/** What updates are for here. */
export function updatePlaces({ update }: Rules): ReadonlyMap<string, UpdatePlace> {
  return new Map(
    Object.entries(update).map(([name, { to, owner, health, health_timeout: timeout }]) => [
      name,
      { to, owner, health, timeout },
    ]),
  );
}
