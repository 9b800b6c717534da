import { parseDuration, parseSize, type Reading } from "@skep/edge-cli";
import { formatBytes, formatDuration } from "@skep/text";
import { z } from "zod";
import { type Address, formatAddress, isLoopback, type Listen, parseAddress } from "./address.ts";

/** A kind of setting: how its values are read from TOML, environment or flag, and how they are shown. */
export interface Kind<T> {
  /** What stands for the value in help and documentation. */
  readonly label: string;
  readonly schema: z.ZodType<T>;
  show(value: T): string;
}

/** A schema that takes what TOML gives (`5640`) and what a flag gives (`"5640"`) alike. */
function reading<T>(
  read: (text: string) => Reading<T>,
  check?: (value: T) => string | undefined,
): z.ZodType<T> {
  return z
    .union([z.string(), z.number(), z.boolean()], "expected a text or a number")
    .transform((raw, context) => {
      const found = read(String(raw));
      const wrong = found.ok ? check?.(found.value) : `expected ${found.expected}`;
      if (found.ok && wrong === undefined) return found.value;
      context.addIssue({ code: "custom", message: wrong ?? "unusable" });
      return z.NEVER;
    });
}

/** Where an edge listens; `loopback` refuses what other machines could reach. */
export function address(usual: Address, loopback?: { readonly why: string }): Kind<Listen> {
  const check = (listen: Listen) => {
    if (!loopback || listen === false || isLoopback(listen.host)) return undefined;
    return `${loopback.why}; use ${formatAddress({ ...usual, port: listen.port })}`;
  };
  return {
    label: "off|on|PORT|HOST:PORT",
    schema: reading((text) => parseAddress(text, usual), check),
    show: formatAddress,
  };
}

/** Where the mesh listens, or `invited`: nowhere until a machine is invited. */
export function meshAddress(usual: Address): Kind<Listen | "invited"> {
  const read = (text: string): Reading<Listen | "invited"> => {
    if (text === "invited") return { ok: true, value: "invited" };
    const found = parseAddress(text, usual);
    return found.ok ? found : { ok: false, expected: `invited, ${found.expected}` };
  };
  return {
    label: "invited|off|on|PORT|HOST:PORT",
    schema: reading(read),
    show: (value) => (value === "invited" ? value : formatAddress(value)),
  };
}

const between = (least: number, most: number, show: (value: number) => string) => (value: number) =>
  value < least || value > most ? `expected ${show(least)} to ${show(most)}` : undefined;

/** A whole number within bounds, both included. */
export function integer(least: number, most: number): Kind<number> {
  const read = (text: string): Reading<number> =>
    /^-?\d+$/.test(text) ? { ok: true, value: Number(text) } : { ok: false, expected: "a whole number" };
  return { label: "NUMBER", schema: reading(read, between(least, most, String)), show: String };
}

function exactly(value: number, units: readonly (readonly [string, number])[]): string {
  if (value === 0) return "0";
  const [unit, size] = units.find(([, each]) => value % each === 0) ?? ["", 1];
  return `${value / size}${unit}`;
}

const showSize = (value: number) =>
  exactly(value, [
    ["GB", 1000 ** 3],
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ]);

/** A number of bytes within bounds. */
export function size(least: number, most: number): Kind<number> {
  return { label: "SIZE", schema: reading(parseSize, between(least, most, formatBytes)), show: showSize };
}

const showDuration = (value: number) =>
  exactly(value, [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
    ["ms", 1],
  ]);

/** A span of milliseconds within bounds. */
export function duration(least: number, most: number): Kind<number> {
  return {
    label: "DURATION",
    schema: reading(parseDuration, between(least, most, formatDuration)),
    show: showDuration,
  };
}

/** One of a few words. */
export function choice<const Choice extends string>(...words: readonly Choice[]): Kind<Choice> {
  return {
    label: words.join("|"),
    schema: z.enum(words, `expected ${words.join(" or ")}`) as unknown as z.ZodType<Choice>,
    show: String,
  };
}

/** Texts without spaces: a list in TOML, parted by spaces or commas elsewhere. `check` tells what is wrong with one. */
export function words(label: string, check: (word: string) => string | undefined): Kind<readonly string[]> {
  const part = (raw: string | readonly string[]) =>
    (typeof raw === "string" ? raw.split(/[\s,]+/) : raw).filter((word) => word !== "" && word !== "none");
  const schema = z
    .union([z.string(), z.array(z.string())], "expected a list of texts")
    .transform((raw, context): readonly string[] => {
      const found = part(raw);
      for (const word of found) {
        const wrong = check(word);
        if (wrong !== undefined) context.addIssue({ code: "custom", message: `${word}: ${wrong}` });
      }
      return found;
    });
  return { label, schema, show: (list) => list.join(" ") || "none" };
}

/** The path of a file, or none. */
export function file(): Kind<string> {
  return {
    label: "FILE",
    schema: z.string("expected the path of a file").transform((path) => (path === "none" ? "" : path)),
    show: (path) => path || "none",
  };
}

/** Yes or no. */
export function yesNo(): Kind<boolean> {
  const words: Readonly<Record<string, boolean>> = {
    true: true,
    yes: true,
    "1": true,
    false: false,
    no: false,
    "0": false,
  };
  const read = (text: string): Reading<boolean> => {
    const value = Object.hasOwn(words, text) ? words[text] : undefined;
    return value === undefined ? { ok: false, expected: "true or false" } : { ok: true, value };
  };
  return { label: "true|false", schema: reading(read), show: String };
}
