import { z } from "zod";
import { facets } from "./state.ts";

/** What can be done through a ticket, and what it is done to. */
export const actions = [
  "systemd.start",
  "systemd.stop",
  "systemd.restart",
  "systemd.status",
  "docker.start",
  "docker.stop",
  "docker.restart",
  "docker.status",
  "k8s.cordon",
  "k8s.uncordon",
  "k8s.drain",
  "k8s.lease",
  "nvidia.power_cap",
  "gpu.lease.grant",
  "gpu.lease.renew",
  "gpu.lease.release",
  "peft.import",
  "peft.activate",
  "peft.rollback",
  "update.apply",
  "update.rollback",
] as const;

const id = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/);
const key = z.string().min(1).max(128);
const target = z.string().min(1).max(255);

/** Names that stand beside the hosts. */
const reserved: ReadonlySet<string> = new Set([...facets, "tickets", "jetson"]);

/** Name of a host: a name of DNS, and none that stands beside the hosts. */
export const HostName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/)
  .refine((name) => !reserved.has(name), "This name is a file's beside the hosts");

/** An act, as it is asked for. */
export const Ask = z.strictObject({
  schema: z.literal("host-ticket/v1").optional(),
  id,
  /** The same key and act is the same ticket; the id where left out. */
  idempotency_key: key.optional(),
  action: z.enum(actions),
  /** Where left out: the only host that has the target. */
  host: HostName.optional(),
  target,
  params: z
    .strictObject({
      watts: z.int().min(1).max(10_000).optional(),
      grace_s: z.int().min(0).max(3600).optional(),
      lines: z.int().min(1).max(200).optional(),
      /** Whom a lease is for. */
      holder: z
        .string()
        .regex(/^[\w./:-]{1,128}$/)
        .optional(),
      lease_s: z.int().min(1).max(31_536_000).optional(),
      priority: z.int().min(0).max(255).optional(),
      /** Which update. */
      epoch: z
        .string()
        .regex(/^\d{1,20}$/)
        .optional(),
    })
    .optional(),
  ttl_s: z.int().min(1).max(86_400).default(300),
  /** When it was asked for; what is older than a day is refused. */
  issued_unix_ms: z.int().min(0).optional(),
});

/** One line of `/host/tickets/spec`. */
export const Spec = z
  .union([Ask, z.strictObject({ op: z.literal("redrive"), id })])
  .meta({ id: "HostTicket" });
/** A line that was checked. */
export type SpecLine = z.output<typeof Spec>;

const incarnation = z.string().regex(/^[0-9a-f]{8,64}$/);
const evidence = z.record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean()]));
/** Name of a thing: it is a name of a directory below its facet. */
export const ThingName = z.string().regex(/^(?!\.{1,2}$)[^/\p{Cc}]{1,255}$/u);
const names = z.array(ThingName).max(200).default([]);
// What came before names had a form can go.
const gone = z.array(target).max(200).default([]);

/** One line of `/host/<host>/ctl`, which the host's agent writes. */
export const Command = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("hello"),
      incarnation,
      version: z.string().max(64),
      allows: z.array(z.string().max(300)).max(100),
    }),
    z.strictObject({ op: z.literal("names"), incarnation, facet: z.enum(facets), add: names, remove: gone }),
    z.strictObject({ op: z.literal("claim"), incarnation, ticket: id }),
    z.strictObject({
      op: z.literal("running"),
      incarnation,
      ticket: id,
      /** What the target tells of itself, so that a later start can see whether it was done; null for nothing. */
      before: evidence.nullable(),
    }),
    z.strictObject({
      op: z.literal("report"),
      incarnation,
      ticket: id,
      state: z.enum(["succeeded", "failed", "unknown"]),
      reason: z.string().max(512).default(""),
      evidence: evidence.nullable(),
      output: z.string().max(4096).default(""),
    }),
  ])
  .meta({ id: "HostAgentCommand" });
/** A line that was checked. */
export type AgentLine = z.output<typeof Command>;

/** One line of `/host/<host>/publish`: a thing, or with no name the facet itself. */
export const Publication = z.strictObject({
  facet: z.enum(facets),
  name: z.string().max(255).default(""),
  state: z.string().max(64),
  reason: z.string().max(256).optional(),
  /** How often it is looked at, milliseconds. */
  every_ms: z.int().min(250).max(600_000).optional(),
  fields: z.record(z.string().max(64), z.union([z.string().max(1024), z.number(), z.boolean()])).default({}),
});
/** A line that was checked. */
export type Published = z.output<typeof Publication>;

/** One line of a thing's own file: a word, or what a ticket may say beside its act. */
export const Press = z
  .strictObject({
    id: id.optional(),
    idempotency_key: key.optional(),
    ttl_s: z.int().min(1).max(86_400).default(300),
    word: z.string().max(255).optional(),
  })
  .meta({ id: "HostPress" });
/** A line that was checked. */
export type PressLine = z.output<typeof Press>;
