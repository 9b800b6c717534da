import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles } from "@skep/testing";
import { made, part, rig, sha256 } from "./rig.test.ts";
import { type At, type Desk, smallFile } from "./src/files.ts";
import { Store } from "./src/store.ts";

test("what there is no room for is nowhere on the disk", async (t) => {
  const files = recordingFiles();
  const { put, blobs } = await rig(t, { files });
  const bytes = part("whole");
  const weights = sha256(bytes);
  for (let at = 0; at < 6; at += 1) await put(`/models/${sha256(String(at))}/schema`, part("schema"));
  await assert.rejects(put(`/models/${weights}/weights`, bytes), { code: "models.many" });
  await assert.rejects(put(`/models/${weights}/schema`, part("schema")), { code: "models.many" });
  assert.equal(await blobs.size(weights), undefined);
  assert.equal(await files.size(`models/${weights}.schema`), undefined);
});

test("of two manifests that come at once one counts, and it is the one that lies on the disk", async (t) => {
  const { kernel, read, at } = await rig(t);
  const put = async (path: string, bytes: Uint8Array, who: string) => {
    const session = kernel.attach(fullAuthority(who), "test");
    const file = await session.open(await session.find(path), { read: false, write: true });
    await file.write(0, bytes);
  };
  const both = [1, 2].map((serial) => made("edge", serial, [part("same")]));
  const told = await Promise.allSettled(
    both.map((one) => put(at(one, "manifest.json"), one.bytes, `ann-${one.manifest.serial}`)),
  );
  assert.deepEqual(told.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const [one = made("none", 1, [part("none")])] = both.filter(
    (_, which) => told[which]?.status === "fulfilled",
  );
  assert.deepEqual(await read(at(one, "manifest.json")), one.bytes);
});

test("a file that the gate refuses after it was written is taken away, and may come again", async () => {
  const files = recordingFiles();
  const one = made("edge", 1, [part("some")]);
  const { model } = one.manifest;
  const desk = {
    store: new Store(files, {} as never, []),
    pieces: { add: (_key: string, bytes: Uint8Array) => Buffer.from(bytes), drop: () => undefined },
    limits: { models: 1, chunks: 10, bytes: 1000 },
    quarantine: () => undefined,
  } as unknown as Desk;
  const at = {
    ...{ path: "", caller: { session: 1 }, params: { model } },
    state: { models: new Map(), names: new Map() },
  } as unknown as At;
  const file = smallFile(at, desk, "manifest", undefined);
  assert.equal(await file.append(one.bytes), true);
  assert.equal(await files.size(`models/${model}.manifest`), one.bytes.length);
  await assert.rejects(smallFile(at, desk, "manifest", undefined).append(one.bytes), {
    code: "models.order",
  });
  file.refused();
  for (let tries = 0; tries < 100 && (await files.size(`models/${model}.manifest`)) !== undefined; tries += 1)
    await turn();
  assert.equal(await files.size(`models/${model}.manifest`), undefined);
  await turn();
  assert.equal(await smallFile(at, desk, "manifest", undefined).append(one.bytes), true);
});
