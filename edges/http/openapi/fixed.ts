import { z } from "zod";
import { ArmBody, OpenBody } from "../auth/routes.ts";
import { BatchBody, bounds, EchoBody } from "../fs/routes.ts";
import { answers, json, text } from "./words.ts";

type Json = Readonly<Record<string, unknown>>;

const anything = { "application/json": { schema: { type: "object" } } };
const path = {
  name: "path",
  in: "query",
  required: true,
  schema: { type: "string" },
  example: "/proc/lifecycle/state",
};
const bytes = {
  name: "max_bytes",
  in: "query",
  schema: { type: "integer", minimum: 1, maximum: bounds.max_read_bytes },
};
const lines = {
  name: "lines",
  in: "query",
  schema: { type: "integer", minimum: 1, maximum: bounds.max_tail_lines },
};
const key = { name: "Idempotency-Key", in: "header", schema: { type: "string", maxLength: 128 } };
const open = { security: [] };

function body(schema: z.ZodType, hoist: (schema: Json) => Json, example?: unknown): Json {
  const { $schema: _, id: _id, ...made } = z.toJSONSchema(schema, { io: "input" });
  const content = { schema: hoist(made), ...(example !== undefined && { example }) };
  return { required: true, content: { "application/json": content } };
}

function fs(verb: string, summary: string, parameters: readonly unknown[]): Json {
  return {
    get: {
      operationId: `fs_${verb}`,
      summary,
      tags: ["fs"],
      parameters,
      responses: answers("200", "OK, or ERR where the file refuses", json("FsReply")),
    },
  };
}

function told(operationId: string, summary: string, more: Json = {}, content: Json = anything): Json {
  return { operationId, summary, tags: ["gateway"], responses: answers("200", summary, content), ...more };
}

/** What this edge has beside the tree. */
export function fixedPaths(hoist: (schema: Json) => Json): Record<string, Json> {
  const hello = { path: "/log/queen.log", line: "hello" };
  return {
    "/healthz": { get: told("health", "Whether the hive works", open) },
    "/checkpoint": { get: told("checkpoint", "Signed note of the log", open, text) },
    "/metrics": { get: told("metrics", "Figures in the form of Prometheus", {}, text) },
    "/v1/openapi.json": { get: told("openapi", "This document", open) },
    "/v1/meta/bounds": { get: told("bounds", "Limits of requests") },
    "/v1/meta/status": { get: told("status", "State of the hive, and who asks") },
    "/v1/meta/providers": { get: told("providers", "What is mounted") },
    "/v1/fs/ls": fs("ls", "Names in a directory", [{ ...path, example: "/" }]),
    "/v1/fs/cat": fs("cat", "A file from its beginning", [path, bytes]),
    "/v1/fs/tail": fs("tail", "The newest lines of a file", [
      { ...path, example: "/log/queen.log" },
      bytes,
      lines,
    ]),
    "/v1/fs/stat": fs("stat", "What a file is", [path]),
    "/v1/fs/echo": {
      post: {
        operationId: "fs_echo",
        summary: "Append one line",
        tags: ["fs"],
        parameters: [key],
        requestBody: body(EchoBody, hoist, hello),
        responses: answers("200", "OK, or ERR where the file refuses", json("FsReply")),
      },
    },
    "/v1/fs/echo-batch": {
      post: {
        operationId: "fs_echo_batch",
        summary: "Append lines in order, up to the first refusal",
        tags: ["fs"],
        parameters: [key],
        requestBody: body(BatchBody, hoist, { items: [hello] }),
        responses: answers("200", "One reply for each line", anything),
      },
    },
    "/v1/session/codes": {
      post: told("makeCode", "A code that opens one page", {
        responses: answers("201", "Lives 60 s", anything),
      }),
    },
    "/v1/session/codes/{id}": {
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
      get: told("codeState", "How a code fares"),
    },
    "/v1/session": {
      get: told("session", "Who asks"),
      post: told("openSession", "Exchange a code for a session of this page", {
        ...open,
        requestBody: body(OpenBody, hoist),
        responses: answers("201", "Opened", anything),
      }),
      delete: told("endSession", "End the session of this page", {
        responses: { "204": { description: "Ended" }, default: answers("200", "", {}).default },
      }),
    },
    "/v1/session/arm": {
      post: told("arm", "Let the page write for some minutes", {
        requestBody: body(ArmBody, hoist, { minutes: 15 }),
      }),
      delete: told("disarm", "Make the page read-only again"),
    },
  };
}
