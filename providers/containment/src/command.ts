import { z } from "zod";

const Digest = z.string().regex(/^[0-9a-f]{64}$/);
const Class = z.string().regex(/^(wasm|task(\/[\w.-]{1,64})?)$/);
const Subject = z.string().regex(/^[\w.@:+/-]{1,128}$/);
const Worker = z.string().regex(/^[\w.-]{1,64}$/);
const Block = z.string().regex(/^[\w:.-]{1,256}$/);

const most = 365 * 86_400;
const told = {
  reason: z.string().min(1).max(256),
  /** Seconds that it stands; a day where neither this nor `until` is told. */
  for_s: z.int().min(1).max(most).optional(),
  /** Or until when, milliseconds since 1970. */
  until: z.int().min(1).optional(),
};

/** Commands of `/policy/contain`. */
export const ContainCommand = z
  .union([
    z.strictObject({ op: z.literal("quarantine"), module: Digest, ...told }),
    z.strictObject({ op: z.literal("quarantine"), class: Class, ...told }),
    z.strictObject({ op: z.literal("block"), subject: Subject, ...told }),
    z.strictObject({ op: z.literal("freeze"), worker: Worker, ...told }),
    z.strictObject({ op: z.literal("revoke"), ticket: Block, ...told }),
    z.strictObject({ op: z.literal("revoke"), node: Worker, ...told }),
    z.strictObject({ op: z.literal("drain"), worker: Worker.or(z.literal("*")), ...told }),
    z.strictObject({ op: z.literal("lift"), ban: z.string().regex(/^\d{1,15}$/) }),
  ])
  .meta({ id: "ContainCommand" });

/** A command that was checked. */
export type ContainCommand = z.output<typeof ContainCommand>;

/** A command that bans something. */
export type BanCommand = Exclude<ContainCommand, { op: "lift" }>;

/** What a ban is on, in one word: `module:<digest>`, `class:wasm`, `subject:ann`, `worker:w-…`, `ticket:…`, `node:…`, `drain:…`. */
export function targetOf(command: BanCommand): string {
  if ("module" in command) return `module:${command.module}`;
  if ("class" in command) return `class:${command.class}`;
  if ("subject" in command) return `subject:${command.subject}`;
  if ("ticket" in command) return `ticket:${command.ticket}`;
  if ("node" in command) return `node:${command.node}`;
  return command.op === "drain" ? `drain:${command.worker}` : `worker:${command.worker}`;
}

/** The command that bans a target again, for taking a lift back. */
export function commandOf(target: string, reason: string, until: number): BanCommand {
  const at = target.indexOf(":");
  const [kind, name] = [target.slice(0, at), target.slice(at + 1)];
  const more = { reason, until };
  if (kind === "module") return { op: "quarantine", module: name, ...more };
  if (kind === "class") return { op: "quarantine", class: name, ...more };
  if (kind === "subject") return { op: "block", subject: name, ...more };
  if (kind === "ticket") return { op: "revoke", ticket: name, ...more };
  if (kind === "node") return { op: "revoke", node: name, ...more };
  return kind === "drain" ? { op: "drain", worker: name, ...more } : { op: "freeze", worker: name, ...more };
}
