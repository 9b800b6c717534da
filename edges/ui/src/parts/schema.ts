/** A JSON schema, as far as forms are made of it. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** One way in which a command can be made. */
export interface Variant {
  readonly name: string;
  readonly fields: readonly Field[];
}

/** What is asked for one member. */
export interface Field {
  readonly name: string;
  readonly kind: "const" | "choice" | "text" | "long" | "number" | "switch" | "words" | "json";
  readonly isRequired: boolean;
  readonly value: string;
  readonly choices: readonly string[];
  readonly pattern?: string;
}

function resolve(schema: Schema, root: Schema): Schema {
  const name = schema.$ref?.match(/^#\/\$defs\/(.+)$/)?.[1];
  const found = name === undefined ? undefined : root.$defs?.[name];
  return found ? resolve(found, root) : schema;
}

const kinds: Readonly<Record<string, Field["kind"]>> = {
  boolean: "switch",
  integer: "number",
  number: "number",
  string: "text",
};

function kindOf(schema: Schema, root: Schema): Field["kind"] {
  if (schema.const !== undefined) return "const";
  if (schema.enum) return "choice";
  if (schema.type === "array") {
    const item = schema.items && resolve(schema.items, root);
    return item?.type === "string" ? "words" : "json";
  }
  if (schema.type === "string" && (schema.maxLength ?? 0) > 1024) return "long";
  // What may be a number or its text is asked for as text.
  if (schema.anyOf?.every((one) => ["string", "integer"].includes(resolve(one, root).type ?? "")))
    return "text";
  return kinds[schema.type ?? ""] ?? "json";
}

function textOf(value: unknown): string {
  return value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

function fieldOf(name: string, given: Schema, root: Schema, isRequired: boolean): Field {
  const schema = resolve(given, root);
  return {
    name,
    kind: kindOf(schema, root),
    isRequired,
    value: schema.const === undefined ? "" : textOf(schema.const),
    choices: (schema.enum ?? []).map(textOf),
    ...(schema.pattern !== undefined && { pattern: schema.pattern }),
  };
}

function nameOf(fields: readonly Field[], at: number): string {
  const fixed = fields.filter(({ kind }) => kind === "const").map(({ value }) => value);
  if (fixed.length > 0) return fixed.join(" ");
  const required = fields.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  return required.length > 0 ? required.join(" + ") : `form ${at + 1}`;
}

/** The ways in which a line of a control can be made, read off its schema. */
export function variantsOf(given: Schema): readonly Variant[] {
  const root = given;
  const schema = resolve(given, root);
  const ways = schema.oneOf ?? schema.anyOf ?? [schema];
  return ways.map((way, at) => {
    const { properties = {}, required = [] } = resolve(way, root);
    const fields = Object.entries(properties).map(([name, one]) =>
      fieldOf(name, one, root, required.includes(name)),
    );
    return { name: nameOf(fields, at), fields };
  });
}

function memberOf({ kind }: Field, text: string): unknown {
  if (kind === "number") return Number(text);
  if (kind === "switch") return text === "true";
  if (kind === "words") return text.split(/\s*\n\s*|\s*,\s*/).filter((word) => word !== "");
  if (kind !== "json") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The line that a filled form makes; what is left empty is left out. */
export function lineOf({ fields }: Variant, filled: Readonly<Record<string, string>>): string {
  const members = fields.flatMap((field): [string, unknown][] => {
    if (field.kind === "const") return [[field.name, field.value]];
    const text = filled[field.name] ?? "";
    return text === "" ? [] : [[field.name, memberOf(field, text)]];
  });
  return JSON.stringify(Object.fromEntries(members));
}

/** The way that an example was made, and what its form is filled with. */
export function fillFrom(
  variants: readonly Variant[],
  example: unknown,
): { readonly variant: number; readonly filled: Readonly<Record<string, string>> } | undefined {
  if (typeof example !== "object" || example === null) return undefined;
  const given = example as Readonly<Record<string, unknown>>;
  const variant = variants.findIndex(({ fields }) => {
    const known = new Set(fields.map(({ name }) => name));
    const isMade = Object.keys(given).every((name) => known.has(name));
    return (
      isMade &&
      fields.every((field) => {
        if (field.kind === "const") return textOf(given[field.name]) === field.value;
        return !field.isRequired || given[field.name] !== undefined;
      })
    );
  });
  if (variant < 0) return undefined;
  const filled = Object.entries(given).map(([name, value]) => {
    const field = variants[variant]?.fields.find((one) => one.name === name);
    return [name, field?.kind === "words" && Array.isArray(value) ? value.join(", ") : textOf(value)];
  });
  return { variant, filled: Object.fromEntries(filled) };
}
