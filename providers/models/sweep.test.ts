import assert from "node:assert/strict";
import { test } from "node:test";
import type { Models } from "./src/state.ts";
import type { Store } from "./src/store.ts";
import { sweep } from "./src/sweep.ts";

test("chunks that a table names which came while others were read are not let go", async () => {
  const models = new Map<string, { files: { table?: number } }>([
    ["new", { files: {} }],
    ["other", { files: { table: 36 } }],
  ]);
  const chunks = new Map([
    ["shared", { bytes: 1, model: "old" }],
    ["left", { bytes: 1, model: "old" }],
  ]);
  const store = {
    parts: async (id: string) => {
      if (id === "other") models.set("new", { files: { table: 36 } });
      return { named: new Map(id === "new" ? [["shared", 1]] : []) };
    },
  };
  const swept = await sweep({ models, chunks } as unknown as Models, store as unknown as Store);
  assert.deepEqual(swept, { digests: ["left"], more: false });
});
