import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { recordingFiles, simulatedClock } from "@skep/testing";
import { Spool } from "../spool/spool.ts";
import { Telling } from "./telling.ts";

test("a disk that failed is opened anew only when nothing is forwarded out of what was open before", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "skep-telling-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = recordingFiles();
  const clock = simulatedClock();
  const said: string[] = [];
  let [forwarding, most] = [0, 0];
  const telling = new Telling({
    folder,
    files: () => files,
    device: "w-1",
    everyMs: 1000,
    figures: () => ({ running: 0, waiting: 0, ended: 0, owner: "absent" }),
    // A hive that is out of reach.
    use: async (_act, signal) => {
      forwarding += 1;
      most = Math.max(most, forwarding);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          forwarding -= 1;
          reject(signal.reason);
        }),
      );
    },
    clock,
    log: (line) => said.push(line),
  });
  telling.start();
  const turn = async (): Promise<void> => {
    await clock.advance(1000);
    for (let at = 0; at < 20; at += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  await turn();
  files.fail({ op: "append", errno: "EIO" });
  await turn();
  assert.match(said.join("\n"), /reports an error: "spool/);
  await turn();
  await turn();
  await telling.stop();
  assert.deepEqual([most, forwarding, files.complaints], [1, 0, []]);
  const { waiting } = (
    await Spool.open(files, { most: 8 * 1024 * 1024, name: () => "other", now: () => 0 })
  ).status();
  // The record of the failed write alone is lost.
  assert.equal(waiting, 3);
});
