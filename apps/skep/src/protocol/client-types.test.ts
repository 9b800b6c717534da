import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { clientTypes, typeOf } from "./client-types.ts";

const file = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

test("the client's types are those of the tree; run apps/skep/src/protocol/write-client.ts when not", async () => {
  const files = await clientTypes();
  const there = readdirSync(file("lib/http-client")).filter((name) => name.endsWith(".table.ts"));
  assert.deepEqual(there.toSorted(), [...files.keys()].toSorted());
  for (const [name, text] of files) {
    const made = execFileSync(file("node_modules/.bin/biome"), ["format", `--stdin-file-path=${name}`], {
      input: text,
      cwd: file(""),
    }).toString();
    assert.equal(readFileSync(file(`lib/http-client/${name}`), "utf8"), made);
    const lines = made.split("\n").length;
    assert.ok(lines <= 400, `${name} has ${lines} lines`);
  }
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
