import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { appendLine } from "../client/control.ts";
import { recordKinds } from "../spool/record.ts";
import type { Spool } from "../spool/spool.ts";
import { startDaemon, type Daemon } from "../testing/daemon.ts";
import { deviceOf, devicePath } from "./device.ts";
import { forwardSpool, withSpool } from "./spooled.ts";

const device = "probe-1";

/** Brings what it can; a hive that is gone or stands still is no failure. */
async function forward(daemon: Daemon, spool: Spool): Promise<void> {
  try {
    await using client = await daemon.connect();
    await forwardSpool(client, device, spool);
  } catch (thrown) {
    assert.ok(thrown instanceof Fault && ["cut", "busy", "canceled"].includes(thrown.kind), String(thrown));
  }
}

test("drain, quiesce, kill and resume under load lose no record and repeat none", async (context) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-drain-"));
  context.after(() => rmSync(dir, { recursive: true, force: true }));
  const home = join(dir, "home");
  const most = 400;
  let told = 0;
  await withSpool(join(dir, "spool"), async (spool) => {
    const load = async (count: number): Promise<void> => {
      for (let each = 0; each < count && told < most; each += 1) {
        told += 1;
        await spool.append(recordKinds.text, Buffer.from(`record ${told} ${"x".repeat(900)}`));
      }
    };
    const move = async (daemon: Daemon, word: string): Promise<void> => {
      await using client = await daemon.connect();
      await appendLine(client, "/queen/lifecycle/ctl", word);
    };
    let daemon = await startDaemon(home);
    await load(100);
    await forward(daemon, spool);
    await move(daemon, "cordon");
    await load(50);
    await forward(daemon, spool);
    await Promise.all([load(50), forward(daemon, spool), move(daemon, "drain")]);
    await forward(daemon, spool);
    assert.ok(spool.status().waiting > 0);
    await daemon.kill("SIGKILL");
    await load(50);
    await forward(daemon, spool);
    daemon = await startDaemon(home);
    // What was quiesced stays so over a power cut, until an operator says otherwise.
    await assert.rejects(move(daemon, "quiesce"), { code: "lifecycle.transition" });
    await move(daemon, "resume");
    // Killed while records are on their way, too.
    await Promise.all([load(100), forward(daemon, spool), daemon.kill("SIGKILL")]);
    daemon = await startDaemon(home);
    await move(daemon, "quiesce");
    await load(50);
    await forward(daemon, spool);
    await move(daemon, "resume");
    await forward(daemon, spool);
    assert.equal(spool.status().waiting, 0);
    await using client = await daemon.connect();
    const seqs: number[] = [];
    for (const { id } of (await deviceOf(client, device)).segments) {
      const text = (await client.readAll(devicePath(device, "seg", id))).toString("utf8");
      for (const line of text.trimEnd().split("\n")) seqs.push((JSON.parse(line) as { seq: number }).seq);
    }
    assert.deepEqual(
      seqs,
      Array.from({ length: told }, (_, at) => at + 1),
    );
    await daemon.kill("SIGTERM");
  });
});
