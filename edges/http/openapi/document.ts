import type { Session } from "@skep/kernel";
import { exampleOf, schemaOf } from "../tree/describe.ts";
import { fixedPaths } from "./fixed.ts";
import { answers, json, operationId, problems, sharedSchemas, text } from "./words.ts";

type Place = Session["root"]["place"];
type Json = Readonly<Record<string, unknown>>;
type Operations = Record<string, Json>;

interface Row {
  /** With `{name}` for what a state names. */
  readonly path: string;
  readonly place: Place;
}

/** Every place of a tree once, by its first name. */
export function rowsOf(place: Place, path = "", seen = new Set<Place>()): Row[] {
  const rows: Row[] = [];
  const entries = [...place.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  const below = (at: string, entry: Place): void => {
    if (seen.has(entry)) return;
    seen.add(entry);
    rows.push({ path: at, place: entry }, ...rowsOf(entry, at, seen));
  };
  // What an alias shows once more has its first name elsewhere.
  for (const [name, entry] of entries.filter(([name]) => name !== "shard")) below(`${path}/${name}`, entry);
  const { node, child } = place;
  if (node.kind === "each" && child) below(`${path}/{${node.param}}`, child);
  for (const [name, entry] of entries.filter(([name]) => name === "shard")) below(`${path}/${name}`, entry);
  return rows;
}

function parametersOf(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", maxLength: 255 },
  }));
}

const page = [
  { name: "limit", in: "query", schema: { type: "integer", minimum: 1, maximum: 1000 } },
  { name: "after", in: "query", description: "Cursor of an earlier page", schema: { type: "string" } },
];
const resume = [
  { name: "cursor", in: "query", schema: { type: "string" }, description: "Where to go on" },
  { name: "from", in: "query", schema: { enum: ["start", "now"] } },
  { name: "Last-Event-ID", in: "header", schema: { type: "string" } },
];
const key = { name: "Idempotency-Key", in: "header", schema: { type: "string", maxLength: 128 } };
const match = { name: "If-Match", in: "header", schema: { type: "string" } };
const events = { "text/event-stream": { schema: { type: "string" } } };
const bytes = {
  "application/octet-stream": { schema: { type: "string", contentMediaType: "application/octet-stream" } },
};

function reads({ node, facet }: Place): Json {
  const { kind } = node;
  if (kind === "dir" || kind === "each")
    return { parameters: page, responses: answers("200", "Names", json("Listing")) };
  if (kind === "control") return { responses: answers("200", "What it takes", json("Description")) };
  if (kind === "blob")
    return {
      responses: { ...answers("200", "The bytes", bytes), "206": { description: "Part", content: bytes } },
    };
  if (facet === "follow") return { parameters: resume, responses: answers("200", "Events", events) };
  if (facet === "json")
    return { responses: answers("200", "The same as JSON", { "application/json": { schema: {} } }) };
  if (facet === "cbor") return { responses: answers("200", "The same as CBOR", bytes) };
  if (kind === "stream")
    return { parameters: resume, responses: answers("200", "What is kept", { ...text, ...events }) };
  return { responses: answers("200", "The text", { ...text, ...events }) };
}

function command(node: Extract<Place["node"], { kind: "control" }>, hoist: (schema: Json) => Json): Json {
  const lines = node.examples ?? [];
  const examples = Object.fromEntries(lines.map((line, at) => [`e${at + 1}`, { value: exampleOf(line) }]));
  const shown = lines.length > 0 ? { examples } : {};
  const content = node.parse
    ? { "text/plain": { schema: { type: "string" }, ...shown } }
    : { "application/json": { schema: hoist(schemaOf(node)), ...shown } };
  return {
    description: `Undo: ${node.undo}. A refusal is a problem; one that waits for approvals has status 202.`,
    parameters: [key, match],
    requestBody: { required: true, content },
    responses: {
      ...answers("200", "Judged and durable", json("Answer")),
      "202": problems("Waits for approvals"),
    },
  };
}

const upload = {
  requestBody: { required: true, content: bytes },
  parameters: [{ name: "Upload-Offset", in: "header", schema: { type: "integer", minimum: 0 } }],
  responses: {
    "200": { description: "Was there already", content: json("Stored") },
    ...answers("201", "Stored", json("Stored")),
    "204": { description: "Not whole yet; Upload-Offset tells how much is there" },
  },
};

function writes(place: Place, hoist: (schema: Json) => Json): Operations {
  const { node, facet } = place;
  if (facet !== "plain") return {};
  if (node.kind === "control") return { post: command(node, hoist) };
  if (node.kind === "blob") return { put: upload, patch: upload };
  const appends = node.kind === "value" || (node.kind === "stream" && node.append !== undefined);
  if (!appends) return {};
  const body = { requestBody: { required: true, content: text }, parameters: [key, match] };
  return { post: { ...body, responses: answers("200", "Taken", json("Answer")) } };
}

// Schemas that have a name stand once among the components.
function hoister(schemas: Record<string, unknown>): (schema: Json) => Json {
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved);
    if (typeof value !== "object" || value === null) return value;
    const { $defs, ...rest } = value as Record<string, unknown>;
    for (const [name, one] of Object.entries(($defs ?? {}) as Json)) schemas[name] = moved(one);
    return Object.fromEntries(
      Object.entries(rest).map(([name, one]) => [
        name,
        name === "$ref" ? String(one).replace("#/$defs/", "#/components/schemas/") : moved(one),
      ]),
    );
  };
  return (schema) => moved(schema) as Json;
}

function tagOf(path: string): string {
  return path.split("/")[1] ?? "tree";
}

function pathItem({ path, place }: Row, hoist: (schema: Json) => Json): Json {
  const operations: Operations = { get: reads(place), ...writes(place, hoist) };
  const told = Object.entries(operations).map(([method, operation]) => [
    method,
    {
      operationId: operationId(method, path),
      summary: place.node.doc,
      tags: [tagOf(path)],
      ...operation,
    },
  ]);
  const parameters = parametersOf(path);
  return { ...(parameters.length > 0 && { parameters }), ...Object.fromEntries(told) };
}

/** OpenAPI 3.1 of a hive's tree and of what this edge has beside it. */
export function openApi(tree: Place, version: string): Json {
  const schemas: Record<string, unknown> = { ...sharedSchemas };
  const hoist = hoister(schemas);
  const rows = [{ path: "", place: tree }, ...rowsOf(tree)];
  const paths: Record<string, Json> = fixedPaths(hoist);
  // What a subtree holds has paths of any depth, which a template cannot say: it is told at its top.
  for (const row of rows) paths[`/v1/tree${row.path}`] = pathItem(row, hoist);
  return {
    openapi: "3.1.0",
    info: {
      title: "Skep",
      version,
      summary: "Everything of a hive is a file, and every file a resource",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ ticket: [] }, { ticket: [], delegated: [] }, { page: [], proof: [] }],
    tags: [...new Set(rows.map(({ path }) => tagOf(path)).filter((name) => name !== "tree"))].map((name) => ({
      name,
    })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        ticket: {
          type: "http",
          scheme: "bearer",
          description: "A ticket, or the gateway's bearer, which reads",
        },
        delegated: {
          type: "apiKey",
          in: "header",
          name: "x-cohesix-ticket",
          description: "Whose authority is used instead",
        },
        page: {
          type: "apiKey",
          in: "cookie",
          name: "skep-7780",
          description: "Session of a page; the port is in the name",
        },
        proof: {
          type: "apiKey",
          in: "header",
          name: "x-skep-proof",
          description: "Signature of the page's key",
        },
      },
    },
  };
}
