// What a worker tells of itself, through drain, quiesce, power cuts of the hive and of the worker, and resume, under load.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Client } from "@skep/ninep";
import { appendLine } from "../client/control.ts";
import { deviceOf, devicePath } from "../telemetry/device.ts";
import { forwardSpool, withSpool } from "../telemetry/spooled.ts";
import { type Daemon, startDaemon } from "../testing/daemon.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
const plain = "--disable-warning=ExperimentalWarning";
const device = "w-test";

/** A hive and a worker, each in a process of its own that can be killed. */
class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), "skep-telling-"));
  readonly home = join(this.dir, "home");
  readonly workerHome = join(this.dir, "worker");
  readonly env = { ...process.env, HOME: this.dir, SKEP_TELEMETRY_WORKER_EVERY: "5ms", NO_COLOR: "1" };
  daemon: Daemon | undefined;
  worker: ChildProcess | undefined;

  async up(): Promise<void> {
    this.daemon = await startDaemon(this.home);
  }

  mint(): void {
    mkdirSync(this.workerHome, { recursive: true, mode: 0o700 });
    const args = [
      plain,
      main,
      "ticket",
      "mint",
      "--home",
      this.home,
      "--role",
      "worker",
      "--subject",
      device,
    ];
    writeFileSync(join(this.workerHome, "ticket"), execFileSync(process.execPath, args, { env: this.env }));
  }

  work(): void {
    const args = [plain, main, "worker", "--home", this.home, "--worker-home", this.workerHome];
    this.worker = spawn(process.execPath, [...args, "--isolation", "off", "--slots", "1"], {
      stdio: "ignore",
      env: this.env,
    });
  }

  async cut(what: "daemon" | "worker"): Promise<void> {
    if (what === "daemon") await this.daemon?.kill("SIGKILL");
    else if (this.worker && this.worker.exitCode === null && this.worker.signalCode === null) {
      this.worker.kill("SIGKILL");
      await once(this.worker, "exit");
    }
  }

  async with<T>(act: (client: Client) => Promise<T>): Promise<T> {
    if (!this.daemon) throw new Error("no hive");
    await using client = await this.daemon.connect();
    return await act(client);
  }

  move(word: string): Promise<unknown> {
    return this.with((client) => appendLine(client, "/queen/lifecycle/ctl", word));
  }

  /** Numbers that the hive has, segment by segment, and how many of them are twice. */
  numbers(): Promise<number[]> {
    return this.with(async (client) => {
      const seqs: number[] = [];
      for (const { id } of (await deviceOf(client, device)).segments) {
        const text = (await client.readAll(devicePath(device, "seg", id), { limit: 2 ** 28 })).toString(
          "utf8",
        );
        for (const line of text.split("\n"))
          if (line !== "") seqs.push((JSON.parse(line) as { seq: number }).seq);
      }
      return seqs;
    });
  }

  /** Waits until the hive has a number more than so many further ones. */
  async grows(by = 20): Promise<void> {
    const first = (await this.numbers()).length;
    while ((await this.numbers()).length < first + by) await wait(20);
  }

  async end(): Promise<void> {
    await this.cut("worker");
    await this.cut("daemon");
    rmSync(this.dir, { recursive: true, force: true });
  }
}

test("drain, quiesce, power cuts and resume lose no record of a worker and repeat none", async (t: TestContext) => {
  const stage = new Stage();
  t.after(() => stage.end());
  await stage.up();
  stage.mint();
  stage.work();
  await stage.grows();
  await stage.move("cordon");
  await stage.grows();
  await stage.move("drain");
  await stage.cut("daemon");
  await stage.up();
  await stage.cut("worker");
  stage.work();
  await stage.move("resume");
  await stage.grows();
  // Both at once, while records are on their way.
  await Promise.all([stage.cut("daemon"), stage.cut("worker")]);
  await stage.up();
  stage.work();
  await stage.grows();
  await stage.move("quiesce");
  await stage.cut("worker");
  await stage.move("resume");
  stage.work();
  await stage.grows();
  stage.worker?.kill("SIGTERM");
  if (stage.worker) await once(stage.worker, "exit");
  const spooled = await withSpool(join(stage.workerHome, "telemetry"), async (spool) => {
    // What was on its way when the worker ended is what its next start would bring.
    await stage.with((client) => forwardSpool(client, device, spool));
    return spool.status().next - 1;
  });
  const numbers = await stage.numbers();
  assert.deepEqual(
    numbers,
    Array.from({ length: spooled }, (_, at) => at + 1),
  );
  t.diagnostic(`${spooled} records spooled, ${numbers.length} in the hive, each once and in order`);
  assert.ok(numbers.length >= 100, `${numbers.length} records`);
});
