import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as later } from "node:timers/promises";
import { startDaemon } from "../testing/daemon.ts";

interface Status {
  readonly state: string;
  readonly changed: readonly { readonly key: string; readonly to: string }[];
}

test("SIGHUP has a daemon without a terminal read its file again, and ends nothing; so it goes on over a restart", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "skep-hangup-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const home = join(dir, "home");
  mkdirSync(home, { mode: 0o700 });
  const file = join(home, "skep.toml");
  writeFileSync(file, "[telemetry]\nsegments = 4\n", { mode: 0o600 });
  const read = async (daemon: Awaited<ReturnType<typeof startDaemon>>, path: string): Promise<string> => {
    const client = await daemon.connect();
    try {
      return (await client.readAll(path)).toString("utf8");
    } finally {
      await client.close();
    }
  };
  let running: unknown;
  {
    await using daemon = await startDaemon(home);
    writeFileSync(file, "[telemetry]\nsegments = 5\n", { mode: 0o600 });
    process.kill(daemon.pid, "SIGHUP");
    let status: Status = { state: "idle", changed: [] };
    while (status.state === "idle" || status.state === "running") {
      status = JSON.parse(await read(daemon, "/queen/manifest/status.json")) as Status;
      await later(20);
    }
    assert.deepEqual(
      [status.state, status.changed.map(({ key, to }) => `${key}=${to}`)],
      ["ok", ["telemetry.segments=5"]],
    );
    running = JSON.parse(await read(daemon, "/proc/boot.json")).manifest;
    assert.equal((await daemon.kill("SIGTERM")).code, 0);
  }
  await using again = await startDaemon(home);
  assert.equal(JSON.parse(await read(again, "/proc/boot.json")).manifest, running);
  assert.match(await read(again, "/proc/manifest"), /^telemetry\.segments=5$/m);
});
