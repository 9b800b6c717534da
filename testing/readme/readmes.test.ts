import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { examplesIn, packagesOf, root, runExample } from "./examples.ts";

for (const name of packagesOf(root))
  test(`${name} has a README of at most 60 lines with an example`, () => {
    const path = join(root, name, "README.md");
    assert.ok(existsSync(path), `${name}/README.md is missing`);
    const text = readFileSync(path, "utf8");
    assert.ok(text.trimEnd().split("\n").length <= 60, `${name}/README.md has more than 60 lines`);
    assert.notDeepEqual(examplesIn(text), [], `${name}/README.md has no example`);
  });

test("an example that fails is told with what it said, and one that never ends is ended", async () => {
  const failed = await runExample('const why: string = "no";\nthrow new Error(why);\n', root, 30_000);
  assert.equal(failed.code, 1);
  assert.match(failed.said, /Error: no/);
  assert.equal((await runExample("setInterval(() => undefined, 1000);\n", root, 1000)).code, 137);
  assert.deepEqual(examplesIn("a\n```ts\nb();\n```\n```sh\nc\n```\n```ts\nd();\n```\n"), [
    "b();\n",
    "d();\n",
  ]);
});
