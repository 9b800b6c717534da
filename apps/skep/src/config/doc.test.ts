import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configurationDoc } from "./doc.ts";
import { envOf } from "./setting.ts";
import { secrets, sections, settings } from "./settings.table.ts";
import { linesOf, readToml } from "./toml.ts";

test("docs/configuration.md is what the table of settings says", () => {
  const path = join(import.meta.dirname, "../../../../docs/configuration.md");
  assert.equal(readFileSync(path, "utf8"), configurationDoc(), "run: node apps/skep/src/config/write-doc.ts");
});

test("every setting is in a documented section, has a doc, and reads what it shows", () => {
  for (const [key, { doc, kind, fallback }] of Object.entries(settings)) {
    assert.ok(Object.hasOwn(sections, key.split(".")[0] ?? ""), key);
    assert.notEqual(doc, "", key);
    const shown = (kind.show as (value: unknown) => string)(fallback);
    assert.deepEqual(kind.schema.parse(shown), fallback, key);
  }
});

test("no two settings share a variable or a flag", () => {
  const all = [...Object.entries(settings), ...Object.entries(secrets)];
  const variables = all.map(([key, each]) => envOf(key, each));
  const flags = all.map(([, { flag }]) => flag).filter((flag) => flag !== undefined);
  assert.equal(new Set(variables).size, variables.length);
  assert.equal(new Set(flags).size, flags.length);
});

test("the example in the documentation is a configuration", () => {
  const [, toml = ""] = /```toml\n([\s\S]*?)```/.exec(configurationDoc()) ?? [];
  for (const { key } of readToml(toml, "skep.toml"))
    assert.ok(Object.hasOwn(settings, key) || Object.hasOwn(secrets, key.replace(/_file$/, "")), key);
});

test("the line of a key is found past comments, strings of many lines, quotes and dots", () => {
  const text = `a = 1 # b = 2
text = """
c = 3
"""
[t."u.v"] # note
"d" = '''x''' # closed on its line
e . f = 5
`;
  assert.deepEqual(
    [...linesOf(text)],
    [
      ["a", 1],
      ["text", 2],
      ["t.u.v.d", 6],
      ["t.u.v.e.f", 7],
    ],
  );
});
