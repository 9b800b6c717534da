import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { clientTypes, typeOf } from "./client-types.ts";

const file = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

test("the client's types are those of the tree; run apps/skep/src/protocol/write-client.ts when not", async () => {
  const made = execFileSync(file("node_modules/.bin/biome"), ["format", "--stdin-file-path=tree.table.ts"], {
    input: await clientTypes(),
    cwd: file(""),
  });
  assert.equal(readFileSync(file("lib/http-client/tree.table.ts"), "utf8"), made.toString());
});

test("a schema becomes the type of what fits it", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ type: "string" }, "string"],
    [{ enum: ["a", 1] }, '"a" | 1'],
    [{ type: ["string", "null"] }, "string | null"],
    [{ oneOf: [{ const: 1 }, { type: "integer" }] }, "1 | number"],
    [
      { type: "array", items: { anyOf: [{ type: "string" }, { type: "number" }] } },
      "ReadonlyArray<string | number>",
    ],
    [
      { type: "object", properties: { a: { type: "number" }, "b-c": {} }, required: ["a"] },
      '{ readonly a: number; readonly "b-c"?: unknown }',
    ],
    [{ type: "object", additionalProperties: { type: "string" } }, "Readonly<Record<string, string>>"],
    [{ $ref: "#/components/schemas/Entry" }, "Entry"],
  ];
  for (const [schema, type] of cases) assert.equal(typeOf(schema), type);
});
