import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";
import { createProgram } from "../commands/table.ts";
import { homeContents, isOurs } from "./contents.ts";

const text = readFileSync(new URL("../../../../docs/operations.md", import.meta.url), "utf8");

test("every command in docs/operations.md is there, with the flags that it is given", () => {
  const { commands } = createProgram();
  const global = ["home", "json", "context"];
  // In backticks, or at the beginning of a line of a block.
  const lines = [...text.matchAll(/(?:`|^)(?:sudo )?skep ([a-z][^`\n#]*)/gm)].map(([, words = ""]) =>
    words.trim(),
  );
  assert.ok(lines.length > 20);
  for (const words of lines) {
    const found = commands
      .filter(({ name }) => `${words} `.startsWith(`${name} `))
      .sort((a, b) => b.name.length - a.name.length)[0];
    assert.ok(found || words.startsWith("help"), `no command: skep ${words}`);
    for (const [, flag = ""] of words.matchAll(/--([a-z0-9-]+)/g))
      assert.ok(found && (flag in found.flags || global.includes(flag)), `no flag --${flag}: skep ${words}`);
  }
});

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
