import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { delay } from "@skep/clock";
import { realClock } from "./clock.ts";
import { type Daemon, refusedDaemon, startDaemon } from "./testing/daemon.ts";
import { Load } from "./testing/load.ts";

interface Homes extends AsyncDisposable {
  readonly dir: string;
  readonly home: string;
}

function place(): Homes {
  const dir = mkdtempSync(join(tmpdir(), "skep-start-"));
  return {
    dir,
    home: join(dir, "home"),
    [Symbol.asyncDispose]: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

async function count(daemon: Daemon): Promise<number> {
  await using client = await daemon.connect();
  return (await client.readAll("/proc/lifecycle/state")).length;
}

/** Waits until so many workers said hello. */
async function attached(daemon: Daemon, workers: number): Promise<void> {
  await using client = await daemon.connect();
  while ((await client.readdir("/worker")).length < workers) await delay(realClock, 50);
}

test("SIGTERM ends a daemon under load with 0 within three seconds", async () => {
  await using at = place();
  const daemon = await startDaemon(at.home, { args: ["--workers", "2"] });
  await attached(daemon, 2);
  const line = (number: number) => ({ path: "/queen/ctl", command: { revoke: `b.${number}` } });
  const load = new Load({ name: "stop", sessions: 8, window: 16, line });
  const running = load.run(daemon);
  await Promise.race([load.untilAccepted(2000), daemon.ended]);
  const from = performance.now();
  const { code, signal, err } = await daemon.kill("SIGTERM");
  const took = Math.round(performance.now() - from);
  assert.deepEqual([code, signal, err.includes("rror")], [0, null, false], err);
  assert.equal(took < 3000, true, `it took ${took} ms`);
  await running;
  process.stdout.write(`stop: SIGTERM under load with two workers to exit 0 in ${took} ms\n`);
});

test("a second up on the same home is refused by name, and a new one starts after kill -9 of the first", async () => {
  await using at = place();
  await using first = await startDaemon(at.home);
  const second = await refusedDaemon(at.home);
  const name = JSON.stringify(at.home);
  assert.deepEqual([second.code, second.refusal?.code], [8, "home.held"]);
  assert.equal(
    second.refusal?.message,
    `Cannot use home ${name}: the hive is already up in it (process ${first.pid})`,
  );
  assert.equal((await count(first)) > 0, true);
  await first.kill("SIGKILL");
  await using third = await startDaemon(at.home);
  assert.equal((await count(third)) > 0, true);
  const fourth = await refusedDaemon(at.home);
  assert.equal(
    fourth.refusal?.message,
    `Cannot use home ${name}: the hive is already up in it (process ${third.pid})`,
  );
});

test("a home whose path has 200 characters works, with and without a runtime directory", async () => {
  await using at = place();
  const long = join(at.dir, "h".repeat(200 - at.dir.length - 1));
  assert.equal(long.length, 200);
  for (const env of [{ XDG_RUNTIME_DIR: at.dir }, { XDG_RUNTIME_DIR: "" }]) {
    const daemon = await startDaemon(long, { env });
    assert.equal(String(daemon.ready.socket).length < 108, true);
    assert.equal((await count(daemon)) > 0, true);
    assert.equal((await daemon.kill("SIGTERM")).code, 0);
  }
});

test("a warm start tells how long it took", async () => {
  await using at = place();
  const took: number[] = [];
  for (let start = 0; start < 5; start += 1) {
    const daemon = await startDaemon(at.home);
    took.push(Math.round(daemon.took));
    assert.equal((await daemon.kill("SIGTERM")).code, 0);
  }
  const [first, ...warm] = took;
  process.stdout.write(
    `start to ready: first ${first} ms, warm ${warm.sort((a, b) => a - b).join(" ")} ms\n`,
  );
});
