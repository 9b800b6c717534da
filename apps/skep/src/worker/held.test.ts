import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { RemoteFile } from "@skep/ninep";
import { simulatedClock } from "@skep/testing";
import { Results } from "./results.ts";
import { Spool } from "./spool.ts";

test("an answer that was committed to is told by the next process, and one that is not wanted leaves no file", async () => {
  const dir = mkdtempSync(join(tmpdir(), "skep-held-"));
  try {
    const sent: string[] = [];
    const file = {
      write: async (bytes: Uint8Array) => sent.push(Buffer.from(bytes).toString().trim()),
    } as unknown as RemoteFile;
    const open = () => new Results(new Spool(dir), simulatedClock(1), () => undefined);
    const first = open();
    await first.attach(file);
    await first.commit("17", 1, { commit: "promise", line: "answer" });
    await first.commit("18", 1, { commit: "another", line: "unwanted" });
    const next = open();
    assert.deepEqual([...next.held].toSorted(), ["17", "18"]);
    await next.attach(file);
    await next.reveal("17");
    next.forget("18");
    assert.deepEqual(sent, ["promise", "another", "answer"]);
    assert.deepEqual(readdirSync(dir), []);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
