import { z } from "zod";

const id = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/);
const incarnation = z.string().regex(/^[0-9a-f]{8,64}$/);
const evidence = z.record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean()]));

/** Name of a point: a register, a coil, a message, as its bridge names it. */
export const pointName = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/);
const points = z.array(pointName).max(500).default([]);

const hello = z.strictObject({
  op: z.literal("hello"),
  incarnation,
  version: z.string().max(64),
  points,
  /** Those that its own configuration lets be written. */
  writable: points,
  /** Those that it lets be operated: nothing there tells of it, and nothing undoes it. */
  operable: points,
});
const note = z.strictObject({ op: z.literal("note"), text: z.string().min(1).max(4096) });

const asked = {
  id,
  /** The same key and write is the same ticket; the id where left out. */
  idempotency_key: z.string().min(1).max(128).optional(),
  point: pointName,
  value: z.union([z.number(), z.boolean().transform(Number)]),
  ttl_s: z.int().min(1).max(86_400).default(60),
  /** When it was asked for; what is older than a day is refused. */
  issued_unix_ms: z.int().min(0).optional(),
};

/** One line of a bus's `ctl`. */
export const BusCommand = z
  .discriminatedUnion("op", [
    z.strictObject({ op: z.literal("write"), ...asked }),
    /** A point where nothing tells whether it was done, and nothing undoes it. */
    z.strictObject({ op: z.literal("operate"), ...asked }),
    z.strictObject({ op: z.literal("poll") }),
    note,
    hello,
    z.strictObject({ op: z.literal("claim"), incarnation, ticket: id }),
    z.strictObject({ op: z.literal("running"), incarnation, ticket: id, before: evidence.nullable() }),
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
  .meta({ id: "BusCommand" });
/** A line that was checked. */
export type BusLine = z.output<typeof BusCommand>;

/** A JSON object, or text for the bridge. */
export const parseBus = (line: string): unknown =>
  line.startsWith("{") ? JSON.parse(line) : { op: "note", text: line };

/** One line of a radio's `ctl`. */
export const LoraCommand = z
  .discriminatedUnion("op", [
    z.strictObject({
      op: z.literal("send"),
      /** The payload in base64. */
      b64: z.base64().min(1).max(8192),
      /** How long it may wait for its turn, seconds; refused where that is not enough. */
      within_s: z.number().min(0).max(86_400).default(0),
    }),
    z.strictObject({ op: hello.shape.op, incarnation, version: hello.shape.version }),
    /** Granted transmissions that were sent. */
    z.strictObject({ op: z.literal("sent"), incarnation, frames: z.array(z.int().min(0)).min(1).max(100) }),
    /** One is about to be sent: from here on nobody sends it again. */
    z.strictObject({ op: z.literal("begin"), incarnation, frame: z.int().min(0) }),
    /** What became of one; unsure where its gateway did not answer. */
    z.strictObject({
      op: z.literal("told"),
      incarnation,
      frame: z.int().min(0),
      state: z.enum(["sent", "refused", "unsure"]),
      reason: z.string().max(512).default(""),
    }),
  ])
  .meta({ id: "LoraCommand" });
/** A line that was checked. */
export type LoraLine = z.output<typeof LoraCommand>;

/** A JSON object that begins with `op` or, as gateways tell it, `incarnation`; or a payload as it is. */
export const parseLora = (line: string): unknown =>
  /^\{\s*"(op|incarnation)"/.test(line)
    ? JSON.parse(line)
    : { op: "send", b64: Buffer.from(line).toString("base64") };

/** One line of `link`. */
export const LinkLine = z.string().regex(/^(online|offline)(\s+\S.{0,255})?$/);
