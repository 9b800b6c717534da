import assert from "node:assert/strict";
import { test } from "node:test";
import { type RecordingFiles, recordingFiles } from "@skep/testing";
import { envelope, rig } from "./rig.test.ts";

test("at every power cut a segment has each acknowledged record once, in order, and takes more", async (context) => {
  const files: RecordingFiles = recordingFiles();
  const { open, append } = await rig(context, {}, files);
  await open();
  const known: { moment: number; seq: number }[] = [];
  for (const seq of [1, 2, 3]) {
    await append("d/seg/seg-000001", envelope(seq, "p", "s"));
    known.push({ moment: files.moment, seq });
  }
  const from = known[0]?.moment ?? 0;
  let cuts = 0;
  for (const { moment, image } of files.powerCuts()) {
    if (moment < from) continue;
    cuts += 1;
    const acknowledged = known.filter((one) => one.moment <= moment).length;
    const next = await rig(context, {}, recordingFiles(image));
    const has = (await next.read("d/seg/seg-000001")).split("\n").length - 1;
    assert.ok(has >= acknowledged && has <= 3, `${has} of ${acknowledged} at ${moment}`);
    for (const seq of [1, 2, 3, 4].slice(acknowledged))
      await next.append("d/seg/seg-000001", envelope(seq, "p", "s"));
    const all = [1, 2, 3].map((seq) => envelope(seq, "p", "s")).join("");
    assert.ok((await next.read("d/seg/seg-000001")).startsWith(all));
    await next.kernel.close();
  }
  assert.ok(cuts > 5, String(cuts));
});
