import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { examplesIn, packagesOf, root, runExample } from "./examples.ts";

const packages = packagesOf(root);

describe("what the READMEs show runs", { concurrency: 2 }, () => {
  for (const name of packages)
    test(`the examples of ${name} run`, async () => {
      const path = join(root, name, "README.md");
      for (const source of existsSync(path) ? examplesIn(readFileSync(path, "utf8")) : []) {
        const { code, said } = await runExample(source, join(root, name), 60_000);
        assert.equal(code, 0, `an example of ${name}/README.md failed:\n${said}`);
      }
    });
});
