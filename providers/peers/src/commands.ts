import { z } from "zod";
import { classes } from "./state.ts";

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const Name = z.string().regex(/^[\w.@:+-]{1,64}$/);
const Label = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,31}(?:=[\w.-]{1,31})?$/);
const Labels = z.array(Label).max(16);
const Worker = z.string().regex(/^[\w.@:+-]{1,64}$/);

const minute = 60_000;

const Term = z
  .int()
  .min(10_000)
  .max(30 * 24 * 60 * minute);

/** Lines of `/net/ctl`. */
export const Command = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("invite"),
      class: z.enum(classes).default("owned"),
      role: z.enum(["worker", "observer"]).default("worker"),
      owner: Name.optional(),
      labels: Labels.default([]),
      ttl_ms: z
        .int()
        .min(10_000)
        .max(30 * 24 * 60 * minute)
        .default(15 * minute),
      /** How long the machine's ticket lasts before it is to be renewed; an hour for a volunteer, for ever otherwise. */
      term_ms: Term.optional(),
    }),
    z.strictObject({ op: z.literal("revoke"), invite: hex(16) }),
    z.strictObject({ op: z.literal("remove"), node: Worker, reason: z.string().max(200).default("") }),
    z.strictObject({
      op: z.literal("engage"),
      /** PeerId of a machine that offers itself. */
      volunteer: z.string().regex(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/),
      /** SHA-256 of the module that comes; zeros where it is not settled. */
      module: hex(64).default("0".repeat(64)),
      requirements: z
        .strictObject({
          cpu_cores: z.int().min(1).max(1024).default(1),
          memory_mb: z.int().min(1).max(4096).default(64),
          timeout_seconds: z.int().min(1).max(86_400).default(60),
          arch: z
            .string()
            .regex(/^[\w.-]{1,32}$/)
            .default("any"),
          wasm_runtime: z
            .string()
            .regex(/^[\w.-]{1,32}$/)
            .default("wasm"),
        })
        .prefault({}),
      /** How long its ticket lasts before it is to be renewed; an hour by default. */
      term_ms: Term.optional(),
    }),
    z.strictObject({ op: z.literal("label"), node: Worker, labels: Labels }),
  ])
  .meta({ id: "NetCommand" });

/** Lines of `/net/join`, said with an invitation's ticket. */
export const Join = z
  .strictObject({
    op: z.literal("redeem"),
    /** Ed25519 public key of the machine's identity. */
    node: hex(64),
    /** X25519 public key that its ticket shall be sealed for. */
    box: hex(64),
    name: Name,
    /** Signature by `node` over the join statement, hex. */
    proof: hex(128),
  })
  .meta({ id: "JoinCommand" });

/** Lines of `/worker/<id>/renew`. */
export const Renew = z
  .strictObject({
    op: z.literal("renew"),
    /** X25519 public key that the new ticket shall be sealed for. */
    box: hex(64),
  })
  .meta({ id: "RenewCommand" });

/** Lines of `/worker/<id>/leave`. */
export const Leave = z.strictObject({ op: z.literal("leave") }).meta({ id: "LeaveCommand" });

export type Command = z.output<typeof Command>;
export type Join = z.output<typeof Join>;
export type Renew = z.output<typeof Renew>;
