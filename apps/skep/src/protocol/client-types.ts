import { openApi } from "@skep/edge-http";
import { createTree, type Provider } from "@skep/kernel";
import { foldedMounts } from "../hive/folded.ts";

type Schema = Readonly<Record<string, unknown>>;

const schemaOf = (value: unknown): Schema =>
  typeof value === "object" && value !== null ? (value as Schema) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function objectType(schema: Schema): string {
  const properties = Object.entries(schemaOf(schema.properties));
  const required = new Set(listOf(schema.required));
  const more = schema.additionalProperties;
  if (properties.length === 0)
    return typeof more === "object"
      ? `Readonly<Record<string, ${typeOf(more)}>>`
      : "Readonly<Record<string, unknown>>";
  const members = properties.map(
    ([name, value]) =>
      `readonly ${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}${required.has(name) ? "" : "?"}: ${typeOf(value)}`,
  );
  return `{ ${members.join("; ")} }`;
}

function union(schemas: readonly unknown[], by: " | " | " & "): string {
  return [...new Set(schemas.map((one) => typeOf(one)))]
    .map((one) => (/ [|&] /.test(one) ? `(${one})` : one))
    .join(by);
}

const simple: Readonly<Record<string, string>> = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  null: "null",
};

/** A JSON schema as a TypeScript type; what it cannot say is left out. */
export function typeOf(value: unknown): string {
  const schema = schemaOf(value);
  if (typeof schema.$ref === "string") return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const either = listOf(schema.oneOf ?? schema.anyOf);
  if (either.length > 0) return union(either, " | ");
  if (Array.isArray(schema.allOf)) return union(schema.allOf, " & ");
  if (Array.isArray(schema.type))
    return union(
      schema.type.map((type) => ({ ...schema, type })),
      " | ",
    );
  if (Array.isArray(schema.prefixItems)) return `readonly [${schema.prefixItems.map(typeOf).join(", ")}]`;
  if (schema.type === "array") return `ReadonlyArray<${typeOf(schema.items)}>`;
  if (schema.type === "object") return objectType(schema);
  return simple[String(schema.type)] ?? "unknown";
}

const hole = "$".concat("{string}");

/** `/jobs/{id}/ctl` as a member of a type: literal, or a template where a state names a part. */
function memberOf(path: string, type: string): string {
  const name = path.replace(/^\/v1\/tree/, "") || "/";
  if (!name.includes("{")) return `  readonly ${JSON.stringify(name)}: ${type};`;
  return `  readonly [path: \`${name.replace(/\{\w+\}/g, hole)}\`]: ${type};`;
}

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Schema>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

function* controlsOf({ paths }: Described): Generator<string> {
  for (const [path, { post }] of Object.entries(paths)) {
    if (!path.startsWith("/v1/tree/") || !post) continue;
    const content = schemaOf(schemaOf(post.requestBody).content);
    const json = content["application/json"];
    if (json !== undefined) yield memberOf(path, typeOf(schemaOf(json).schema));
  }
}

/** The types of `@skep/http-client` that are made from the tree. */
export async function clientTypes(
  providers: readonly Provider[] = foldedMounts("/nonexistent", undefined),
): Promise<string> {
  const document = (await openApi(createTree(providers), "0")) as unknown as Described;
  const schemas = Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      `/** ${name}, as the interface of the hive describes it. */\nexport type ${name} = ${typeOf(schema)};\n`,
  );
  return [
    "// Made from the tree by `npm run docs`; not edited by hand.\n",
    ...schemas.sort(),
    "/** What each control takes; a part that a state names is any text. */\nexport interface Controls {",
    ...controlsOf(document),
    "}\n",
  ].join("\n");
}
