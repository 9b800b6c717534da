type Json = Readonly<Record<string, unknown>>;

const string = { type: "string" };
const integer = { type: "integer" };

/** Schemas that many operations share. */
export const sharedSchemas: Readonly<Record<string, Json>> = {
  Problem: {
    type: "object",
    description: "RFC 9457: what was refused, why, and what to do next",
    required: ["type", "title", "status", "detail", "code", "kind", "reason"],
    properties: {
      type: string,
      title: string,
      status: integer,
      detail: string,
      code: { type: "string", description: "Stable, as in jobs.unknown" },
      kind: string,
      reason: { enum: ["busy", "quota", "cut", "policy"] },
      next: string,
    },
  },
  Answer: {
    type: "object",
    required: ["verdict"],
    properties: {
      id: { type: "integer", description: "Sequence of the record in the journal" },
      verdict: { enum: ["ok", "refused", "waiting"] },
      result: {},
    },
  },
  Entry: {
    type: "object",
    required: ["name", "kind", "append", "href"],
    properties: { name: string, kind: { enum: ["dir", "file"] }, append: { type: "boolean" }, href: string },
  },
  Listing: {
    type: "object",
    required: ["path", "kind", "doc", "entries"],
    properties: {
      path: string,
      kind: { const: "dir" },
      doc: string,
      entries: { type: "array", items: { $ref: "#/components/schemas/Entry" } },
      next: { type: "string", description: "Cursor of the next page" },
    },
  },
  Description: {
    type: "object",
    required: ["path", "kind", "doc"],
    properties: {
      path: string,
      kind: { enum: ["dir", "text", "stream", "control", "value", "blob"] },
      doc: string,
      right: string,
      undo: { enum: ["reversible", "compensable", "irreversible"] },
      schema: { type: "object" },
      examples: { type: "array" },
    },
  },
  Stored: {
    type: "object",
    required: ["path"],
    properties: { path: string, size: integer, stored: { type: "boolean" } },
  },
  FsReply: {
    type: "object",
    required: ["status", "verb", "path", "end", "lines", "bytes"],
    properties: {
      status: { enum: ["OK", "ERR"] },
      verb: string,
      path: string,
      end: { type: "boolean" },
      lines: { type: "array", items: string },
      bytes: integer,
      error: { type: "string", description: "As the console says it" },
      why: { type: "string", description: "The refusal in words" },
      code: string,
      next: string,
      id: integer,
      result: {},
    },
  },
};

/** Content that is JSON of a shared schema. */
export function json(name: string): Json {
  return { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
}

/** Content that is text. */
export const text: Json = { "text/plain": { schema: { type: "string" } } };

/** A response that is a problem. */
export function problems(description: string): Json {
  return {
    description,
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

/** One good response and all bad ones. */
export function answers(status: string, description: string, content: Json): Readonly<Record<string, Json>> {
  return { [status]: { description, content }, default: problems("Refused") };
}

/** `get` and `/jobs/{id}/status` make `getJobsIdStatus`. */
export function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const told = words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join("");
  return `${method}${told === "" ? "Root" : told}`;
}
