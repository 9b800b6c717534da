import { parseDuration } from "@skep/edge-cli";
import { type BusAdapter, type LoraAdapter, mountNames, protocols, regions } from "@skep/provider-buses";
import { formatDuration } from "@skep/text";
import { z } from "zod";
import type { Kind } from "./kinds.ts";

const name = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/, "expected a name of letters, digits, - _ and .");

/** A number that was written as text. */
const numeric = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, "expected a number")
    .transform(Number)
    .refine((value) => value >= least && value <= most, `expected ${least} to ${most}`);
const whole = (least: number, most: number) =>
  numeric(least, most).refine(Number.isInteger, "expected a whole number");

const spool = z
  .string()
  .regex(/^\d{1,6}\/\d{1,8}$/, "expected LINES/BYTES")
  .transform((text) => text.split("/").map(Number) as [number, number])
  .refine(([entries, bytes]) => entries >= 1 && bytes >= 64, "expected at least 1/64")
  .transform(([entries, bytes]) => ({ entries, bytes }));

const span = z.string().transform((text, context) => {
  const read = parseDuration(text);
  if (read.ok && read.value >= 100 && read.value <= 86_400_000) return read.value;
  context.addIssue({ code: "custom", message: "expected a duration from 100ms to 1d" });
  return z.NEVER;
});

/** Symbols of the preamble before those that the radio adds, as LoRaWAN has them. */
const preamble = 8;
const airtime = z
  .string()
  .regex(
    /^(bytes|sf(6|7|8|9|10|11|12)\/(125|250|500)\/4-[5-8])$/,
    "expected bytes, or SF/BW/CR as in sf7/125/4-5",
  )
  .transform((text) => {
    const [, sf, bw, cr] = /^sf(\d+)\/(\d+)\/4-(\d)$/.exec(text) ?? [];
    return sf === undefined
      ? ("bytes" as const)
      : { sf: Number(sf), bw: Number(bw), cr: Number(cr), preamble };
  });

const Bus = z.strictObject({
  id: name,
  label: name.optional(),
  scope: name.optional(),
  protocol: z.enum(protocols).default("modbus"),
  serial: whole(0, 10_000_000).prefault("0"),
  spool: spool.prefault("1024/262144"),
  link: z.enum(["online", "offline"]).default("online"),
  replay: z.enum(["auto", "manual"]).default("auto"),
});

const Lora = z.strictObject({
  id: name,
  label: name.optional(),
  scope: name.optional(),
  region: z.enum(regions).default("eu868"),
  duty: numeric(0.01, 100).prefault("1"),
  window: span.prefault("1h"),
  payload: whole(1, 255).prefault("51"),
  tamper: whole(1, 1000).prefault("64"),
  airtime: airtime.prefault("sf7/125/4-5"),
});

type Loose = {
  readonly id: string;
  readonly label?: string | undefined;
  readonly scope?: string | undefined;
};

/** The directory is named as the adapter, and its ticket's subject too, unless something else is said. */
const named = <T extends Loose>(read: T) => ({
  ...read,
  label: read.label ?? read.id,
  scope: read.scope ?? read.id,
});

/** `modbus-main protocol=modbus`: a name, and what is said of it. */
function fieldsOf(entry: string): Record<string, string> {
  const [id = "", ...rest] = entry.trim().split(/\s+/);
  const pairs = rest.map((word): [string, string] => {
    const cut = word.indexOf("=");
    return cut < 0 ? [word, ""] : [word.slice(0, cut), word.slice(cut + 1)];
  });
  return Object.fromEntries([...pairs, ["id", id]]);
}

function adapters<T extends Loose & { readonly label: string; readonly scope: string }>(
  label: string,
  schema: z.ZodType<T>,
  show: (adapter: T) => string,
): Kind<readonly T[]> {
  const list = z
    .union([z.string(), z.array(z.string())], "expected a list of texts")
    .transform((raw, context): readonly T[] => {
      const entries = (typeof raw === "string" ? raw.split(";") : raw).filter(
        (entry) => !["", "none"].includes(entry.trim()),
      );
      const found = entries.flatMap((entry) => {
        const read = schema.safeParse(fieldsOf(entry));
        for (const { path, message } of read.error?.issues ?? [])
          context.addIssue({
            code: "custom",
            message: `${entry}: ${path.join(".")} ${message}`.replace(/ +/g, " "),
          });
        return read.success ? [read.data] : [];
      });
      try {
        mountNames(found);
      } catch (thrown) {
        context.addIssue({ code: "custom", message: (thrown as Error).message });
      }
      return found;
    });
  return { label, schema: list, show: (all) => all.map(show).join("; ") || "none" };
}

function shown({
  id,
  label,
  scope,
}: {
  readonly id: string;
  readonly label: string;
  readonly scope: string;
}): string {
  return [id, ...(label === id ? [] : [`label=${label}`]), ...(scope === id ? [] : [`scope=${scope}`])].join(
    " ",
  );
}

/** Field buses: `["modbus-main protocol=modbus spool=8/512"]`, parted by semicolons elsewhere. */
export function busAdapters(): Kind<readonly BusAdapter[]> {
  return adapters<BusAdapter>("BUS…", Bus.transform(named), (one) => {
    const { protocol, serial, spool: room, link, replay } = one;
    const line = serial === 0 ? "" : ` serial=${serial}`;
    return `${shown(one)} protocol=${protocol}${line} spool=${room.entries}/${room.bytes} link=${link} replay=${replay}`;
  });
}

/** Radios: `["lora-main region=us915 duty=1 window=1h"]`. */
export function loraAdapters(): Kind<readonly LoraAdapter[]> {
  return adapters<LoraAdapter>("RADIO…", Lora.transform(named), (one) => {
    const { region, duty, window, payload, tamper, airtime: how } = one;
    const air = how === "bytes" ? how : `sf${how.sf}/${how.bw}/4-${how.cr}`;
    const span = formatDuration(window).replaceAll(" ", "");
    return `${shown(one)} region=${region} duty=${duty} window=${span} payload=${payload} tamper=${tamper} airtime=${air}`;
  });
}
