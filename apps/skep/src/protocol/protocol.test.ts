import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checks } from "@skep/kernel";
import { renewed } from "./protocol.ts";

test("docs/protocol.md tells the tree, its controls and the gate as they are; run npm run docs when not", () => {
  const document = readFileSync(new URL("../../../../docs/protocol.md", import.meta.url), "utf8");
  assert.equal(document, renewed(document));
});

test("the gate keeps its order", () => {
  assert.deepEqual(
    checks.map(({ name }) => name),
    [
      "frame",
      "session",
      "lifecycle",
      "right",
      "schema",
      "fence",
      "idempotency",
      "quota",
      "bans",
      "policy",
      "work",
    ],
  );
});
