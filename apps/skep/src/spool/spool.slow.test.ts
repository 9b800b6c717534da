import assert from "node:assert/strict";
import { test } from "node:test";
import type { Files } from "@skep/kernel";
import { recordingFiles } from "@skep/testing";
import { recordKinds } from "./record.ts";
import { Spool } from "./spool.ts";

const most = 1024;
const open = (files: Files) => Spool.open(files, { most, name: () => "probe", now: () => 1000 });
const payload = (seq: number) => Buffer.from(`${seq}`.padEnd(60, "."));
const append = (spool: Spool, seq: number) => spool.append(recordKinds.text, payload(seq));

test("at every power cut the spool has each record that was told to be kept, and what it forwards arrives once", async () => {
  const files = recordingFiles();
  // What the hive has, with the moment at which it got it: the hive drops numbers that it knows.
  const hive: { moment: number; seq: number }[] = [];
  const kept: { moment: number; seq: number }[] = [];
  const acknowledged: { moment: number; seq: number }[] = [];
  {
    await using spool = await open(files);
    for (let seq = 1; seq <= 24; seq += 1) {
      await append(spool, seq);
      kept.push({ moment: files.moment, seq });
      if (seq % 3 !== 0) continue;
      for (const record of spool.read()) hive.push({ moment: files.moment, seq: record.seq });
      await spool.acknowledge(seq);
      acknowledged.push({ moment: files.moment, seq });
    }
  }
  assert.deepEqual(files.complaints, []);
  let cuts = 0;
  for (const { moment, image, label } of files.powerCuts()) {
    cuts += 1;
    const before = <T extends { moment: number }>(all: readonly T[]) =>
      all.filter((one) => one.moment <= moment);
    await using spool = await open(recordingFiles(image));
    const { acknowledged: told, next } = spool.status();
    assert.ok(told >= (before(acknowledged).at(-1)?.seq ?? 0), label);
    assert.ok(next > (before(kept).at(-1)?.seq ?? 0), `${label} at ${moment}`);
    const arrived = before(hive).map(({ seq }) => seq);
    for (const { seq, payload: bytes } of spool.read(100)) {
      assert.deepEqual(bytes, payload(seq));
      if (seq > (arrived.at(-1) ?? 0)) arrived.push(seq);
    }
    assert.deepEqual(
      arrived,
      Array.from({ length: arrived.length }, (_, at) => at + 1),
      label,
    );
    assert.ok(arrived.length >= before(kept).length, label);
    assert.equal(await append(spool, next), next);
  }
  assert.ok(cuts > 200, String(cuts));
});
