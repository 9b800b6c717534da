import assert from "node:assert/strict";
import { test } from "node:test";
import type { Manifests } from "./src/check.ts";
import type { Updates } from "./src/state.ts";
import { sweep } from "./src/sweep.ts";

test("chunks that a manifest names which came while others were read are not let go", async () => {
  const epochs = new Map([
    ["7", { stage: "chunks" }],
    ["5", { stage: "ready" }],
  ]);
  const chunks = new Map([
    ["shared", { bytes: 1, epoch: "6" }],
    ["left", { bytes: 1, epoch: "6" }],
  ]);
  const manifests = {
    get: async (epoch: string) => {
      if (epoch === "5") epochs.set("7", { stage: "checking" });
      return { named: new Map(epoch === "7" ? [["shared", 1]] : []) };
    },
  };
  const swept = await sweep({ epochs, chunks } as unknown as Updates, manifests as unknown as Manifests);
  assert.deepEqual(swept, { digests: ["left"], more: false });
});
