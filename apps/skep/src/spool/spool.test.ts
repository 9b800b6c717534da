import assert from "node:assert/strict";
import { test } from "node:test";
import type { Files } from "@skep/kernel";
import { recordingFiles } from "@skep/testing";
import { recordKinds } from "./record.ts";
import { Settings } from "./settings.ts";
import { Spool } from "./spool.ts";

const most = 1024;
const open = (files: Files) => Spool.open(files, { most, name: () => "probe", now: () => 1000 });
const payload = (seq: number) => Buffer.from(`${seq}`.padEnd(60, "."));
const append = (spool: Spool, seq: number) => spool.append(recordKinds.text, payload(seq));

test("a full spool refuses, until something is acknowledged: then that alone makes room", async () => {
  const spool = await open(recordingFiles());
  for (let seq = 1; seq <= 8; seq += 1) assert.equal(await append(spool, seq), seq);
  while (spool.status().bytes + 92 <= most) await append(spool, 0);
  await assert.rejects(() => append(spool, 9), { code: "spool.full" });
  await spool.acknowledge(1);
  await assert.rejects(() => append(spool, 9), { code: "spool.full" });
  await spool.acknowledge(4);
  const next = spool.status().next;
  assert.equal(await append(spool, 9), next);
  assert.equal(spool.read(1)[0]?.seq, 5);
  await assert.rejects(() => spool.acknowledge(next + 1), { code: "spool.ahead" });
  await assert.rejects(() => spool.append(1, Buffer.alloc(300)), { code: "spool.long" });
});

test("of two slots of settings the newer whole one counts, at every power cut and for every damaged byte", async () => {
  const files = recordingFiles();
  const told: { moment: number; value: number }[] = [];
  const settings = await Settings.open(files, "s/settings", () => 0);
  for (let value = 1; value <= 5; value += 1) {
    await settings.set(value);
    told.push({ moment: files.moment, value });
  }
  for (const { moment, image, label } of files.powerCuts()) {
    const found = (await Settings.open(recordingFiles(image), "s/settings", () => 0)).value;
    const least = told.filter((one) => one.moment <= moment).at(-1)?.value ?? 0;
    assert.ok(found >= least && found <= least + 1, `${found} of ${least}: ${label}`);
  }
  const image = files.image();
  const newest = image.get("s/settings.a") as Uint8Array;
  for (let at = 0; at < newest.length; at += 1) {
    const damaged = new Map(image);
    const bytes = Buffer.from(newest);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x40, at);
    damaged.set("s/settings.a", bytes);
    const found = (await Settings.open(recordingFiles(damaged), "s/settings", () => 0)).value;
    assert.ok(found === 5 || found === 4, `byte ${at}: ${found}`);
  }
});

for (const op of ["append", "sync", "open", "truncate"] as const)
  test(`a disk that fails at one ${op} costs that record, and no other before or after it`, async () => {
    for (const after of [0, 1, 2, 3]) {
      const files = recordingFiles();
      const told: string[] = [];
      {
        await using spool = await open(files);
        files.fail({ op, errno: "ENOSPC", bytes: 40, after });
        // What is cut off was left by a write that failed.
        if (op === "truncate") files.fail({ op: "append", errno: "EIO", bytes: 40, after: 1 });
        for (let nth = 1; nth <= 12; nth += 1) {
          const seq = await append(spool, nth).catch(() => undefined);
          if (seq !== undefined) told.push(`${seq} ${payload(nth)}`);
        }
      }
      assert.deepEqual([files.complaints, told.length >= 10], [[], true], `${after}: ${told.length}`);
      const cuts = [...files.powerCuts(files.moment)].map(({ image }) => recordingFiles(image));
      for (const disk of [files.withoutProcess(), ...cuts]) {
        await using again = await open(disk);
        const found = again.read(100).map((record) => `${record.seq} ${record.payload}`);
        assert.deepEqual(found, told);
      }
    }
  });
