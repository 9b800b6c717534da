import { canonical, parseJson } from "@skep/canon";
import { escapeValue, unescapeValue } from "./escape.ts";
import { fault } from "./faults.ts";
import { latest, parseMoment, printMoment } from "./moment.ts";

/** What a signer's key may be used for: `recovery` only to rotate keys, `operational` for any irreversible act. */
export type Role = "operational" | "recovery";

/** Parameters of an act by name; the values are JSON. */
export type Parameters = Readonly<Record<string, unknown>>;

/** An irreversible act as a person reads and signs it. */
export interface Statement {
  /** As `guest.destroy`. */
  readonly act: string;
  /** Path of the file that stands for the target. */
  readonly target: string;
  /** What the thing itself is known by, so that another one at the same path is not meant. */
  readonly targetIdentity: string;
  /** Digest of its content, as `sha256:…` in hexadecimal, or null where it has none. */
  readonly targetDigest: string | null;
  readonly parameters: Parameters;
  readonly reason: string;
  /** How it can be undone, in plain words. */
  readonly undo: string;
  readonly hive: string;
  readonly policyVersion: string;
  /** Seconds since 1970 UTC, from then on. */
  readonly notBefore: number;
  /** Seconds since 1970 UTC, up to and with it. */
  readonly notAfter: number;
  /** 16 to 32 random bytes in hexadecimal; burnt before the act. */
  readonly nonce: string;
  readonly role: Role;
  /** Id of the action that waits for it. */
  readonly action: string;
}

interface Field {
  readonly key: string;
  readonly print: (statement: Statement) => string;
  readonly parse: (value: string) => Partial<Statement>;
}

type Property = Exclude<keyof Statement, "parameters">;
type Codec<T> = {
  readonly print: (value: T) => string | undefined;
  readonly parse: (text: string) => T | undefined;
};

function field<Name extends Property>(key: string, name: Name, codec: Codec<Statement[Name]>): Field {
  const bad = (what: unknown) => fault.value(`${key}: ${what}`);
  return {
    key,
    print: (statement) => {
      const shown = codec.print(statement[name]);
      if (shown === undefined) throw bad(statement[name]);
      return shown;
    },
    parse: (text) => {
      const value = codec.parse(text);
      if (value === undefined) throw bad(text);
      return { [name]: value };
    },
  };
}

function text(longest: number): Codec<string> {
  const fits = (value: string) => value !== "" && value.length <= longest && value.isWellFormed();
  return {
    print: (value) => (fits(value) ? escapeValue(value) : undefined),
    parse: (shown) => {
      const value = unescapeValue(shown);
      return value !== undefined && fits(value) ? value : undefined;
    },
  };
}

function word<T extends string = string>(pattern: RegExp): Codec<T> {
  const check = (value: string) => (pattern.test(value) ? (value as T) : undefined);
  return { print: check, parse: check };
}

const path: Codec<string> = {
  print: (value) => (value.startsWith("/") ? text(4096).print(value) : undefined),
  parse: (shown) => (shown.startsWith("/") ? text(4096).parse(shown) : undefined),
};

const digest = word(/^[a-z0-9]{1,16}:[0-9a-f]{32,128}$/);
const digestOrNone: Codec<string | null> = {
  print: (value) => (value === null ? "none" : digest.print(value)),
  parse: (shown) => (shown === "none" ? null : digest.parse(shown)),
};

const moment: Codec<number> = {
  print: (seconds) =>
    Number.isSafeInteger(seconds) && seconds >= 0 && seconds <= latest ? printMoment(seconds) : undefined,
  parse: parseMoment,
};

/** The lines of a statement in their order; `parameters` is as many lines as there are. */
export const fields: readonly (Field | "parameters")[] = [
  field("act", "act", word(/^[a-z][A-Za-z0-9-]{0,31}(?:\.[a-z][A-Za-z0-9-]{0,31}){0,3}$/)),
  field("target", "target", path),
  field("target-identity", "targetIdentity", text(256)),
  field("target-digest", "targetDigest", digestOrNone),
  "parameters",
  field("reason", "reason", text(1024)),
  field("undo", "undo", text(1024)),
  field("hive", "hive", word(/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$/)),
  field("policy-version", "policyVersion", word(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/)),
  field("not-before", "notBefore", moment),
  field("not-after", "notAfter", moment),
  field("nonce", "nonce", word(/^[0-9a-f]{32,64}$/)),
  field("role", "role", word<Role>(/^(?:operational|recovery)$/)),
  field("action", "action", word(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/)),
];

/** The keys that every statement has. */
export const keys: readonly string[] = fields.flatMap((one) => (one === "parameters" ? [] : [one.key]));

const parameterName = /^[a-z][A-Za-z0-9_-]{0,63}$/;
const maxParameters = 64;

/** Canonical JSON of RFC 8785 with all but printable ASCII as `\u` escapes. */
function printValue(name: string, value: unknown): string {
  try {
    return canonical(value).replace(
      /[\x7f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  } catch (cause) {
    throw fault.value(`parameter.${name}`, { cause });
  }
}

/** One line per parameter, by name. Throws `statement.value`. */
export function printParameters(parameters: Parameters): readonly string[] {
  const names = Object.keys(parameters).sort();
  if (names.length > maxParameters) throw fault.value(`${names.length} parameters`);
  return names.map((name) => {
    if (!parameterName.test(name)) throw fault.value(`parameter.${name}`);
    return `parameter.${name}: ${printValue(name, parameters[name])}`;
  });
}

function parseValue(name: string, shown: string): unknown {
  try {
    return parseJson(shown, { maxDepth: 16 });
  } catch (cause) {
    throw fault.value(`parameter.${name}`, { cause });
  }
}

/** Reads lines as `printParameters` prints them; any other spelling of the same value is refused. */
export function parseParameters(lines: readonly (readonly [key: string, shown: string])[]): Parameters {
  const entries = lines.map(([key, shown]) => {
    const name = key.slice("parameter.".length);
    const value = parseValue(name, shown);
    if (printValue(name, value) !== shown) throw fault.value(`parameter.${name}: not canonical`);
    return [name, value] as const;
  });
  const parameters = Object.fromEntries(entries);
  printParameters(parameters);
  return parameters;
}
