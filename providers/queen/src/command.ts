import { z } from "zod";

const Budget = z
  .strictObject({
    ttl_s: z
      .int()
      .min(1)
      .max(10 * 365 * 86_400)
      .optional(),
    ops: z.int().min(1).optional(),
  })
  .meta({ id: "SpawnBudget" });

const Lease = z
  .strictObject({
    gpu_id: z.string().regex(/^[\w-]{1,64}$/),
    mem_mb: z.int().min(1).max(0xffff_ffff),
    streams: z.int().min(1).max(255),
    ttl_s: z
      .int()
      .min(1)
      .max(10 * 365 * 86_400),
    priority: z.int().min(0).max(255).default(0),
  })
  .meta({ id: "GpuLease" });

const place = z.string().min(1).max(1024);

/** Services that can be mounted, and where they are. */
export const services = {
  logs: "/log",
  proc: "/proc",
  workers: "/worker",
  telemetry: "/queen/telemetry",
  jobs: "/jobs",
  cas: "/cas",
} as const;

const Service = z.enum(Object.keys(services) as [keyof typeof services, ...(keyof typeof services)[]]);

/** What a command does. */
export const verbs = ["spawn", "kill", "revoke", "clock", "bind", "mount"] as const;
const needs = { heartbeat: "ticks", gpu: "lease" } as const;

/** One object per line; which of its verbs it has says what it is. */
export const Command = z
  .strictObject({
    spawn: z.enum(["heartbeat", "gpu"]).optional(),
    ticks: z.int().min(1).optional(),
    lease: Lease.optional(),
    budget: Budget.optional(),
    kill: z.string().min(1).max(64).optional(),
    revoke: z
      .string()
      .regex(/^[\w:.-]{1,256}$/)
      .optional(),
    clock: z.literal("confirm").optional(),
    bind: z.strictObject({ from: place, to: place }).optional(),
    mount: z.strictObject({ service: Service, at: place }).optional(),
  })
  .superRefine((command, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    if (verbs.filter((verb) => command[verb] !== undefined).length !== 1)
      complain(`expected exactly one of ${verbs.join(", ")}`);
    const { spawn } = command;
    for (const name of ["ticks", "lease", "budget"] as const) {
      const fits = spawn !== undefined && (name === "budget" || name === needs[spawn]);
      if (command[name] !== undefined && !fits) complain(`${name} does not belong to this command`);
    }
    if (spawn && command[needs[spawn]] === undefined) complain(`a ${spawn} worker needs ${needs[spawn]}`);
  })
  .meta({ id: "QueenCommand" });

/** A command that was checked. */
export type QueenCommand = z.output<typeof Command>;
