import { isIP, isIPv4 } from "node:net";
import { parseRate } from "@skep/lora";
import { airtimeMs, duty } from "@skep/provider-buses";
import { z } from "zod";
import { ownText, rulesIn, span } from "../../attached/rules-file.ts";
import { fault } from "./faults.ts";

const isLoopback = (host: string): boolean => host === "::1" || (isIPv4(host) && host.startsWith("127."));

const listen = z
  .string()
  .transform((text, context) => {
    const [, host = "", port = ""] = /^\[?([0-9a-fA-F.:]+)\]?:(\d{1,5})$/.exec(text) ?? [];
    if (isIP(host) !== 0 && Number(port) <= 65_535) return { host, port: Number(port) };
    context.addIssue("expected ADDRESS:PORT");
    return z.NEVER;
  })
  .default({ host: "127.0.0.1", port: 1700 });

const Gateway = z.strictObject({
  /** Its identifier, as its forwarder is configured. */
  eui: z
    .string()
    .regex(/^[0-9a-fA-F]{16}$/, "expected 16 hexadecimal digits")
    .toLowerCase(),
  /** The only address that it may speak from. */
  from: z
    .string()
    .refine((text) => isIP(text) !== 0, "expected an address")
    .optional(),
});

const Downlink = z
  .strictObject({
    /** Megahertz. */
    freq: z.number().min(100).max(3000),
    rate: z.string().refine((text) => parseRate(text) !== undefined, "expected a rate such as SF9BW125"),
    coding: z.enum(["4/5", "4/6", "4/7", "4/8"]).default("4/5"),
    /** dBm at the antenna port. */
    power: z.int().min(0).max(30),
    chain: z.int().min(0).max(3).default(0),
    /** As devices of LoRaWAN listen for their gateways. */
    invert: z.boolean().default(true),
    preamble: z.int().min(6).max(65_535).default(8),
    /** Percent of each window that may be on the air, whatever the hive grants. */
    duty: z.number().gt(0).max(100).default(1),
    window: span(1000, 86_400_000).default(3_600_000),
    /** How late a frame may still be sent. */
    late: span(10, 60_000).default(5000),
  })
  .transform(({ duty: percent, window, ...rest }) => ({ ...rest, budget: duty(percent, window) }));

const Rules = z
  .strictObject({
    radio: z.strictObject({
      listen,
      /** Who did not ask for work for so long is away. */
      keepalive: span(100, 600_000).default(60_000),
      /** How long a gateway may take to say what it makes of a frame. */
      answer: span(10, 60_000).default(2000),
      /** Frames of each gateway that are taken in a second; four times as many at once. */
      most: z.int().min(1).max(10_000).default(50),
    }),
    gateway: z
      .array(Gateway)
      .min(1)
      .max(64)
      .refine((all) => new Set(all.map(({ eui }) => eui)).size === all.length, "two gateways have one eui"),
    /** Nothing is ever sent without it. */
    downlink: Downlink.optional(),
  })
  .superRefine(({ radio, gateway }, context) => {
    // The protocol has no authentication: beyond this machine the address is all there is.
    if (isLoopback(radio.listen.host)) return;
    for (const [at, { from }] of gateway.entries())
      if (from === undefined)
        context.addIssue({
          ...{ code: "custom", path: ["gateway", at, "from"] },
          message: "expected the address of the gateway, because radio.listen is no loopback",
        });
  });

/** Whom a radio's agent hears, and how it sends: a file of the machine that it runs on. */
export type Rules = z.output<typeof Rules>;
/** How frames are sent. */
export type Downlink = NonNullable<Rules["downlink"]>;

/** Reads rules from a text. Throws `gateway.rules`. */
export function parseRules(text: string, file: string): Rules {
  return rulesIn(() => Rules, text, file, fault.rules);
}

/** Reads the rules, which root or the agent's own user owns alone. Throws `gateway.rules`, `rules-file.owner`. */
export function readRules(file: string, own: number): Rules {
  const text = ownText(file, own);
  if (text === undefined) throw fault.rules(`${file}: no such file`);
  return parseRules(text, file);
}

/** How long a payload of so many bytes is on the air, milliseconds. */
export function onAirMs({ rate, coding, preamble }: Downlink, bytes: number): number {
  const { sf = 12, bw = 125 } = parseRate(rate) ?? {};
  return airtimeMs({ sf, bw, cr: Number(coding.slice(2)), preamble }, bytes);
}
