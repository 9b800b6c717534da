import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";
import { openStorage, places } from "./storage.ts";

const submit = { op: "submit", run: { kind: "task", name: "t" } };

test("new work is refused below disk.stop_percent, and what is no new work is taken", async () => {
  await using at = await startTestHive(undefined, {
    SKEP_DISK_STOP_PERCENT: "99",
    SKEP_DISK_WARN_PERCENT: "99",
  });
  const { owner } = at.hive;
  const work = await owner.append("/jobs/ctl", submit as never);
  assert.deepEqual([work.verdict, work.kind, work.code], ["refused", "busy", "gate.lowSpace"]);
  assert.equal((await owner.append("/queen/ctl", { revoke: "block" } as never)).verdict, "ok");
  const boot = Buffer.from(await owner.read("/proc/boot")).toString();
  assert.match(boot, /% of the disk is free/);
});

test("with both percentages at 0 a disk that is not full takes all work", async () => {
  await using at = await startTestHive(undefined, {
    SKEP_DISK_STOP_PERCENT: "0",
    SKEP_DISK_WARN_PERCENT: "0",
  });
  assert.equal((await at.hive.owner.append("/jobs/ctl", submit as never)).verdict, "ok");
});

test("the reserve has the size that was asked for where that is less than a twentieth of the disk", async () => {
  const home = mkdtempSync(join(tmpdir(), "skep-storage-"));
  try {
    const lines: string[] = [];
    await using storage = await openStorage(home, {
      reserve: 300_000,
      levels: { low: 0, tight: 0 },
      written: () => 0,
      log: (line) => lines.push(line),
    });
    assert.deepEqual([storage.reserve.size, statSync(places.reserve(home)).size], [300_000, 300_000]);
    assert.match(lines.join("\n"), /^disk: [\d.]+ % free: enough$/);
    await storage.index.close();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
