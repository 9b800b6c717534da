import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { defineProvider, fullAuthority } from "@skep/kernel";
import { gpuProvider } from "@skep/provider-gpu";
import { openBlobs } from "@skep/storage";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { mountModels } from "./mod.ts";

async function rig(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "skep-bridge-"));
  const files = recordingFiles();
  const { provider } = mountModels({
    blobs: openBlobs(dir),
    files,
    keys: [],
    limits: { models: 4, chunks: 10, bytes: 1000 },
  });
  const queen = defineProvider<null>({
    name: "queen",
    doc: "Stands for the queen and for leases",
    initial: () => null,
    events: { "spawned@1": () => undefined },
    offers: { leased: () => ({ has: () => false }), manifest: () => ({ hash: () => "m1" }) },
    mounts: () => ({}),
  });
  const providers = [provider, gpuProvider(), queen];
  const kernel = await toyHive({ files, clock: simulatedClock(), providers });
  t.after(async () => {
    await kernel.close();
    rmSync(dir, { recursive: true });
  });
  const session = kernel.attach(fullAuthority("ann"), "test");
  return {
    session,
    publish: (active: string | null, ...ids: string[]) =>
      session.append("/gpu/bridge/ctl", {
        op: "publish",
        models: ids.map((id) => ({ id, manifest: `id = "${id}"\n` })),
        active,
      }),
    read: async (path: string) => Buffer.from(await session.read(path)).toString(),
  };
}

test("what a bridge published is shown and may be activated, and what it said was active is active", async (t) => {
  const { session, publish, read } = await rig(t);
  assert.equal(await read("/gpu/models/active"), "");
  await publish("base", "base", "edge");
  assert.equal(await read("/gpu/models/active"), "base\n");
  assert.equal(await read("/gpu/models/available/edge/manifest.toml"), 'id = "edge"\n');
  assert.equal((await session.append("/gpu/models/active", "edge")).verdict, "ok");
  assert.equal(await read("/gpu/models/active"), "edge\n");
  assert.equal((await session.append("/gpu/models/active", "unheard-of")).code, "models.none");
  assert.equal((await session.append("/models/ctl", '{"op":"rollback"}')).verdict, "ok");
  assert.equal(await read("/gpu/models/active"), "base\n");
});

test("a bridge that says the same each second undoes nothing, and its next word counts", async (t) => {
  const { session, publish, read } = await rig(t);
  await publish("base", "base", "edge");
  await session.append("/gpu/models/active", "edge");
  await publish("base", "base", "edge");
  assert.equal(await read("/gpu/models/active"), "edge\n");
  await publish(null, "base", "edge");
  assert.equal(await read("/gpu/models/active"), "edge\n");
  await publish("edge", "base", "edge");
  await publish("base", "base", "edge");
  assert.equal(await read("/gpu/models/active"), "base\n");
});
