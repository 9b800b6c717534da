import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { delay } from "@skep/clock";
import type { Fault } from "@skep/fault";
import { hasCode } from "./client/files.ts";
import { realClock } from "./clock.ts";
import { ask } from "./jobs/submit.ts";
import { heldContent, upload } from "./jobs/blob.ts";
import { type Daemon, startDaemon } from "./testing/daemon.ts";
import { Inspector } from "./testing/inspect.ts";

const mebibyte = 1024 * 1024;

interface Disk extends Disposable {
  readonly dir: string;
  readonly home: string;
  readonly free: number;
  /** Leaves this many bytes, or gives all of them back. */
  leave(bytes: number | undefined): void;
}

/** A file system of its own in memory; undefined where none can be mounted. */
function smallDisk(size: number): Disk | undefined {
  const dir = mkdtempSync(join(tmpdir(), "skep-full-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0700`, "skep-test", dir]);
  if (mounted.status !== 0) {
    rmSync(dir, { recursive: true, force: true });
    return undefined;
  }
  const ballast = join(dir, "ballast");
  const free = (): number => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  };
  return {
    dir,
    home: join(dir, "home"),
    get free() {
      return free();
    },
    leave: (bytes) => {
      rmSync(ballast, { force: true });
      if (bytes === undefined) return;
      const file = openSync(ballast, "w");
      const block = Buffer.alloc(4096, 1);
      try {
        for (let left = free() - bytes; left >= block.length; left -= block.length) writeSync(file, block);
      } catch (error) {
        // The daemon writes meanwhile: then the disk is as full as it was to be.
        if (!hasCode(error, "ENOSPC")) throw error;
      } finally {
        closeSync(file);
      }
    },
    [Symbol.dispose]: () => {
      spawnSync("umount", ["-l", dir]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function diskOrSkip(t: TestContext, size: number): Disk | undefined {
  const disk = process.getuid?.() === 0 ? smallDisk(size) : undefined;
  if (!disk) t.skip("no file system can be mounted here: not root, or not allowed to");
  return disk;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "ok";
  } catch (thrown) {
    return (thrown as Fault).code;
  }
}

const revoke = (key: string) => ({ revoke: key, $key: key });
const env = { SKEP_DISK_RESERVE: String(64 * mebibyte) };

async function give(daemon: Daemon, key: string): Promise<string> {
  await using client = await daemon.connect();
  return await codeOf(ask(client, "/queen/ctl", revoke(key)));
}

/** Until a command is answered so; the disk is looked at once a second. */
async function until(daemon: Daemon, name: string, code: string): Promise<string[]> {
  const keys: string[] = [];
  for (let at = 0; at < 200; at += 1) {
    const key = `${name}-${at}`;
    const got = await give(daemon, key);
    if (got === "ok") keys.push(key);
    if (got === code) return keys;
    await delay(realClock, 50);
  }
  return assert.fail(`never ${code}`);
}

async function keysOf(home: string): Promise<Set<string | undefined>> {
  const { records, replayed, recovered } = await new Inspector(home).look();
  assert.equal(recovered, replayed);
  const keys = records.flatMap(({ key }) => (key === undefined ? [] : [key]));
  assert.equal(new Set(keys).size, keys.length);
  return new Set(keys);
}

test("on a disk that fills up commands are refused before it is full, work that runs is told, and it goes on after", async (t) => {
  using disk = diskOrSkip(t, 64 * mebibyte);
  if (!disk) return;
  await using daemon = await startDaemon(disk.home, { args: ["--workers", "1"], env });
  // A twentieth of the file system, not the 64 MiB that would be all of it.
  const reserve = Math.floor((64 * mebibyte) / 20);
  assert.equal(statSync(join(disk.home, "reserve")).size, reserve);
  await using client = await daemon.connect();
  const loop = readFileSync(new URL("../../../examples/modules/misbehaving/loop.wasm", import.meta.url));
  await upload(client, heldContent(loop));
  const run = {
    kind: "wasm",
    module: createHash("sha256").update(loop).digest("hex"),
    limits: { wall_ms: 4000 },
  };
  const { result } = await ask(client, "/jobs/ctl", { op: "submit", run });
  const status = async (): Promise<{ state: string; reason: string }> =>
    JSON.parse((await client.readAll(`/jobs/${result?.job}/status.json`)).toString());
  while ((await status()).state !== "running") await delay(realClock, 50);

  disk.leave(2 * mebibyte);
  const tight = await until(daemon, "tight", "ok");
  const submit = { op: "submit", run: { kind: "task", name: "t" } };
  while ((await codeOf(ask(client, "/jobs/ctl", submit))) !== "gate.lowSpace") await delay(realClock, 50);
  assert.equal(await give(daemon, "tight-still"), "ok");
  const other = heldContent(Buffer.from("new"));
  assert.notEqual(await codeOf(upload(client, other)), "ok");

  disk.leave(mebibyte);
  const before = await until(daemon, "full", "gate.space");
  // The reserve was given away, and is not room for new commands.
  assert.throws(() => statSync(join(disk.home, "reserve")), { code: "ENOENT" });
  assert.equal(disk.free > mebibyte, true);
  assert.equal(await give(daemon, "refused"), "gate.space");
  while ((await status()).state === "running") await delay(realClock, 50);
  assert.deepEqual((await status()).state, "failed");

  disk.leave(undefined);
  const after = await until(daemon, "after", "ok");
  while (!(statSync(join(disk.home, "reserve"), { throwIfNoEntry: false })?.size === reserve))
    await delay(realClock, 50);
  assert.equal((await daemon.kill("SIGTERM")).code, 0);
  const keys = await keysOf(disk.home);
  for (const key of [...tight, "tight-still", ...before, ...after]) assert.equal(keys.has(key), true, key);
  assert.equal(keys.has("refused"), false);
});

test("a disk that others fill to the last byte stops the daemon, which starts again out of its reserve", async (t) => {
  using disk = diskOrSkip(t, 64 * mebibyte);
  if (!disk) return;
  const acknowledged: string[] = [];
  await using daemon = await startDaemon(disk.home, { env });
  await using client = await daemon.connect();
  for (let at = 0; at < 50; at += 1) {
    acknowledged.push(`k${at}`);
    await ask(client, "/queen/ctl", revoke(`k${at}`));
  }
  disk.leave(0);
  assert.equal(disk.free < 4096, true);
  let last = "";
  for (let at = 0; last !== "gone" && last !== "gate.space"; at += 1) {
    const key = `x${at}`;
    last = await Promise.race([
      codeOf(ask(client, "/queen/ctl", revoke(key))),
      daemon.ended.then(() => "gone"),
    ]);
    if (last === "ok") acknowledged.push(key);
    else if (last !== "gate.space") last = "gone";
  }
  const { code, err } = last === "gone" ? await daemon.ended : await daemon.kill("SIGKILL");
  if (last === "gone")
    assert.deepEqual([code, /Cannot go on: a write to the disk failed/.test(err)], [1, true]);

  await using again = await startDaemon(disk.home, { env });
  assert.equal(await give(again, "still full"), "gate.space");
  disk.leave(undefined);
  acknowledged.push(...(await until(again, "after", "ok")));
  assert.equal((await again.kill("SIGTERM")).code, 0);
  const keys = await keysOf(disk.home);
  for (const key of acknowledged) assert.equal(keys.has(key), true, key);
  process.stdout.write(
    `full disk: the last command met "${last}"; the next start found every byte taken and came up\n`,
  );
});
