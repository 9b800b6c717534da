import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";
import { homeContents, isOurs } from "./contents.ts";

const text = readFileSync(new URL("../../../../docs/operations.md", import.meta.url), "utf8");

test("docs/operations.md tells of everything that a home holds, in the words of the program", () => {
  const rows = Object.entries(homeContents).map(([name, doc]) => `| \`${name}\` | ${doc} |`);
  assert.deepEqual(
    rows.filter((row) => !text.includes(row)),
    [],
  );
});

test("a hive holds nothing in its home that is not told of", async () => {
  await using hive = await startTestHive();
  assert.deepEqual(
    readdirSync(hive.home).filter((name) => !isOurs(name)),
    [],
  );
});
