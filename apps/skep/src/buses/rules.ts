import { limits } from "@skep/kernel";
import { numberTypes, tables } from "@skep/modbus";
import { pointName } from "@skep/provider-buses";
import { z } from "zod";
import { ownText, rulesIn, span } from "../attached/rules-file.ts";
import { fault } from "./faults.ts";

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[\w.-]+):\d{1,5}$/, "expected HOST:PORT")
  .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "expected a port up to 65535");
const word = z.int().min(0).max(65_535);

const common = {
  every: span(50, 3_600_000).default(1000),
  timeout: span(10, 60_000).default(1000),
  /** What has not changed is told again after so long. */
  refresh: span(1000, 86_400_000).default(60_000),
};

const Modbus = z
  .strictObject({
    protocol: z.literal("modbus"),
    ...common,
    tcp: address.optional(),
    serial: z.string().startsWith("/").optional(),
    baud: z.int().min(300).max(4_000_000).default(19_200),
    parity: z.enum(["none", "even", "odd"]).default("even"),
    framing: z.enum(["tcp", "rtu"]).optional(),
  })
  .refine(({ tcp, serial }) => (tcp === undefined) !== (serial === undefined), "say tcp or serial");
const Dnp3 = z.strictObject({
  protocol: z.literal("dnp3"),
  ...common,
  tcp: address,
  master: word.default(1),
  outstation: word,
  /** How long an output may take to show what it was operated to. */
  settle: span(0, 60_000).default(2000),
});
const Can = z.strictObject({
  protocol: z.literal("can"),
  ...common,
  interface: z.string().regex(/^[\w.-]{1,15}$/),
  candump: z.string().startsWith("/").default("/usr/bin/candump"),
  cansend: z.string().startsWith("/").default("/usr/bin/cansend"),
  /** How long the device may take to show what it was told, where a point shows it. */
  settle: span(0, 60_000).default(2000),
});

const scaled = {
  name: pointName,
  scale: z
    .number()
    .refine((value) => value !== 0, "expected another number than 0")
    .default(1),
  offset: z.number().default(0),
  /** Smaller changes are not told. */
  deadband: z.number().min(0).default(0),
};

const ModbusPoint = z.strictObject({
  ...scaled,
  unit: z.int().min(0).max(255).default(1),
  table: z.enum(tables),
  address: word,
  type: z.enum(numberTypes).default("u16"),
  order: z.enum(["high-first", "low-first"]).default("high-first"),
  write: z.boolean().default(false),
  /** True where the device takes what was written away again: a command, no setting. */
  pulse: z.boolean().default(false),
  least: z.number().optional(),
  most: z.number().optional(),
});
const Dnp3Point = z
  .strictObject({
    ...scaled,
    kind: z.enum([
      "binary",
      "double-bit",
      "binary-output",
      "counter",
      "frozen-counter",
      "analog",
      "analog-output",
    ]),
    index: z.int().min(0).max(65_535),
    write: z.boolean().default(false),
    /** Selected first, or at once, as some outstations want it. */
    operate: z.enum(["select", "direct"]).default("select"),
    /** What a relay does: stays as it is set, acts for `on_ms`, or is one coil of a pair. */
    relay: z.enum(["latch", "pulse", "trip-close"]).default("latch"),
    on_ms: z.int().min(0).max(0xffff_ffff).default(100),
    off_ms: z.int().min(0).max(0xffff_ffff).default(100),
    count: z.int().min(1).max(255).default(1),
    /** How a setpoint is written. */
    type: z.enum(["i16", "i32", "f32", "f64"]).default("f32"),
    least: z.number().optional(),
    most: z.number().optional(),
  })
  .refine(
    ({ write, kind }) => !write || kind === "binary-output" || kind === "analog-output",
    "only a binary-output or an analog-output may be written",
  );
const CanPoint = z.strictObject({
  ...scaled,
  id: z.int().min(0).max(0x1fff_ffff),
  extended: z.boolean().default(false),
  start: z.int().min(0).max(511),
  length: z.int().min(1).max(52),
  order: z.enum(["little", "big"]).default("little"),
  signed: z.boolean().default(false),
  write: z.boolean().default(false),
  /** Bytes of the frame that is sent, but for the signal. */
  data: z
    .string()
    .regex(/^([0-9a-fA-F]{2}){1,8}$/, "expected one to eight bytes in hexadecimal digits")
    .default("0000000000000000"),
  /** The point by which the device shows what it was told. */
  shown_by: pointName.optional(),
  least: z.number().optional(),
  most: z.number().optional(),
});

/** Bytes of the names of all points, and once more of those that may be written: a hello of them is one line. */
const mostNames = limits.line - 512;

const points = <T extends z.ZodType<{ readonly name: string }>>(point: T) =>
  z
    .array(point)
    .min(1)
    .max(500)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "two points have one name");

const byProtocol = {
  modbus: z.strictObject({ device: Modbus, point: points(ModbusPoint) }),
  dnp3: z.strictObject({ device: Dnp3, point: points(Dnp3Point) }),
  can: z
    .strictObject({ device: Can, point: points(CanPoint) })
    .refine(
      ({ point }) =>
        point.every(({ shown_by }) => shown_by === undefined || point.some(({ name }) => name === shown_by)),
      "shown_by names no point",
    ),
} as const;

/** What a bridge speaks to its devices. */
export type Protocol = keyof typeof byProtocol;
/** Rules of one protocol. */
export type RulesOf<P extends Protocol> = z.output<(typeof byProtocol)[P]>;
/** What a bridge reads, and what may be written there: a file of the machine that it runs on. */
export type Rules = RulesOf<"modbus"> | RulesOf<"dnp3"> | RulesOf<"can">;

/** Whether rules are of a protocol. */
export const areOf = <P extends Protocol>(rules: Rules, protocol: P): rules is Extract<Rules, RulesOf<P>> =>
  rules.device.protocol === protocol;

/** Reads rules from a text. Throws `bridge.rules`. */
export function parseRules(text: string, file: string): Rules {
  const schemaFor = (table: unknown): z.ZodType<Rules> => {
    const { device } = table as { readonly device?: { readonly protocol?: unknown } };
    const protocol = device?.protocol;
    if (protocol === "modbus" || protocol === "dnp3" || protocol === "can") return byProtocol[protocol];
    throw fault.rules(`${file}: device.protocol: expected modbus, dnp3 or can`);
  };
  const rules = rulesIn(schemaFor, text, file, fault.rules);
  const { length } = JSON.stringify({ points: rules.point.map(({ name }) => name), ...writableOf(rules) });
  if (length > mostNames)
    throw fault.rules(`${file}: point: names of ${length} of ${mostNames} bytes together`);
  return rules;
}

/**
 * Reads the rules. Only root and the bridge's own user may be able to write them: a hive that could would let itself write
 * what it likes. Throws `bridge.rules`, `rules-file.owner`.
 */
export function readRules(file: string, own: number): Rules {
  const text = ownText(file, own);
  if (text === undefined) throw fault.rules(`${file}: no such file`);
  return parseRules(text, file);
}

/** Names of points that may be written, by whether what stands there tells of it. */
export interface Writable {
  readonly writable: readonly string[];
  /** Nothing tells whether these were done, and nothing undoes them. */
  readonly operable: readonly string[];
}

/** Names of the points that may be written. */
export function writableOf(rules: Rules): Writable {
  const named = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);
  if (areOf(rules, "modbus"))
    return { writable: named(rules.point.filter(({ write }) => write)), operable: [] };
  if (areOf(rules, "can")) {
    const sent = rules.point.filter(({ write }) => write);
    return {
      writable: named(sent.filter(({ shown_by }) => shown_by !== undefined)),
      operable: named(sent.filter(({ shown_by }) => shown_by === undefined)),
    };
  }
  if (!areOf(rules, "dnp3")) return { writable: [], operable: [] };
  const may = rules.point.filter(({ write }) => write);
  return { writable: named(may.filter((one) => !acts(one))), operable: named(may.filter(acts)) };
}

/** Whether a relay falls back by itself, so that it shows nothing of what it did. */
export const acts = ({ kind, relay }: Pick<z.output<typeof Dnp3Point>, "kind" | "relay">): boolean =>
  kind === "binary-output" && relay !== "latch";
