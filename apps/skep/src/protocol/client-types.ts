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

const made = "// Made from the tree by `npm run docs`; not edited by hand.\n";

/** Names of the schemas that one refers to. */
function refsOf(schema: unknown): ReadonlySet<string> {
  const text = JSON.stringify(schema) ?? "";
  return new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name ?? ""));
}

/** What can be reached from some names, themselves included. */
function reached(names: Iterable<string>, schemas: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const all = new Set(names);
  // A set gives what is added while it is walked.
  for (const name of all) for (const ref of refsOf(schemas[name])) all.add(ref);
  return all;
}

const commandsFile = (name: string): string =>
  /^[A-L]/.test(name) ? "commands-a-l.table.ts" : "commands-m-z.table.ts";

/** The imports of a file that refers to some names. */
function importsOf(file: string, refs: Iterable<string>, fileOf: (name: string) => string): string {
  const others = Map.groupBy([...refs].toSorted(), fileOf);
  return [...others]
    .filter(([from]) => from !== file)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([from, names]) => `import type { ${names.join(", ")} } from "./${from}";\n`)
    .join("");
}

/** The files of types of `@skep/http-client` that are made from the tree, by their name. */
export async function clientTypes(
  providers: readonly Provider[] = foldedMounts("/nonexistent", undefined),
): Promise<ReadonlyMap<string, string>> {
  const document = (await openApi(createTree(providers), "0")) as unknown as Described;
  const { schemas } = document.components;
  const controls = [...controlsOf(document)];
  const words = new Set(controls.join("\n").match(/\b[A-Z]\w*/g));
  const direct = Object.keys(schemas).filter((name) => words.has(name));
  const taken = reached(direct, schemas);
  const fileOf = (name: string): string => (taken.has(name) ? commandsFile(name) : "answers.table.ts");
  const files = new Map<string, string>();
  for (const [file, names] of Map.groupBy(Object.keys(schemas).toSorted(), fileOf)) {
    const refs = names.flatMap((name) => [...refsOf(schemas[name])]);
    const types = names.map(
      (name) =>
        `/** ${name}, as the interface of the hive describes it. */\nexport type ${name} = ${typeOf(schemas[name])};\n`,
    );
    files.set(file, [made, importsOf(file, new Set(refs), fileOf), ...types].join("\n"));
  }
  const root = "tree.table.ts";
  const member =
    "/** What each control takes; a part that a state names is any text. */\nexport interface Controls {";
  files.set(root, [made, importsOf(root, direct, fileOf), member, ...controls, "}\n"].join("\n"));
  return files;
}
