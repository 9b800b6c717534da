import assert from "node:assert/strict";
import { test } from "node:test";
import { Publication } from "@skep/provider-host";
import { Inventory } from "./inventory.ts";

test("a thing whose name or description no hive takes hides no other", () => {
  const inventory = new Inventory("docker", 2000);
  const things = ["web", "web/db", "..", ""].map((name) => ({
    ...{ name, state: "running", fields: { image: "x".repeat(5000), pid: 7 } },
  }));
  assert.deepEqual(inventory.names(things), [{ facet: "docker", add: ["web"], remove: [] }]);
  const [whole, ...told] = inventory.changes(things).map((line) => Publication.parse(line));
  assert.deepEqual(whole?.fields, { things: 4 });
  assert.deepEqual(
    told.map(({ name, fields }) => [name, fields]),
    [["web", { image: "x".repeat(1024), pid: 7 }]],
  );
  inventory.named(things);
  assert.deepEqual(inventory.names(things), []);
});
