import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRoot, mint } from "@skep/ticket";
import { workerRights } from "../access/grants.ts";
import { realClock } from "../clock.ts";
import type { Hive } from "./hive.ts";
import { homeKey, shortName } from "./keys.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));

interface Running {
  readonly id: string;
  child: ChildProcess | undefined;
  restarts: number;
  timer: { stop(): void } | undefined;
}

/** The worker processes that the daemon starts on its own machine. */
export class LocalWorkers implements AsyncDisposable {
  readonly #hive: Hive;
  readonly #log: (line: string) => void;
  readonly #running: Running[] = [];
  #closed = false;

  constructor(hive: Hive, log: (line: string) => void) {
    this.#hive = hive;
    this.#log = log;
  }

  /** Starts so many; each has its own home, key and ticket below the hive's. */
  async start(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      const home = join(this.#hive.home, "workers", String(at));
      mkdirSync(home, { recursive: true, mode: 0o700 });
      const { publicKey } = homeKey(join(home, "identity"));
      const id = `w-${shortName(Buffer.from(publicKey, "hex"))}`;
      await this.#ticket(home, id);
      const running: Running = { id, child: undefined, restarts: 0, timer: undefined };
      this.#running.push(running);
      this.#spawn(running, home);
    }
  }

  async #ticket(home: string, id: string): Promise<void> {
    const path = join(home, "ticket");
    if (existsSync(path)) return;
    const root = createRoot(this.#hive.keys.ticket.key);
    const now = this.#hive.kernel.time.now();
    const token = await mint(root, {
      subject: id,
      role: "worker",
      hive: this.#hive.keys.hive,
      rights: workerRights(id),
      issuedAt: now,
    } as never);
    writeFileSync(path, token, { mode: 0o600 });
  }

  #spawn(running: Running, home: string): void {
    const { values } = this.#hive.config;
    const args = [
      "--disable-warning=ExperimentalWarning",
      "--max-semi-space-size=2",
      main,
      "worker",
      "--home",
      this.#hive.home,
      "--worker-home",
      home,
    ];
    args.push("--isolation", values["sandbox.isolation"]);
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    running.child = child;
    child.stderr?.on("data", (data: Buffer) => this.#log(`${running.id}: ${data.toString().trimEnd()}`));
    child.once("exit", (code, signal) => {
      running.child = undefined;
      if (this.#closed) return;
      running.restarts += 1;
      const wait = Math.min(30_000, 250 * 2 ** Math.min(running.restarts, 7));
      this.#log(`worker ${running.id} ended with ${signal ?? code}; starts again in ${wait} ms`);
      running.timer = realClock.after(wait, () => this.#spawn(running, home));
    });
  }

  get ids(): readonly string[] {
    return this.#running.map(({ id }) => id);
  }

  /** Asks every process to end and waits; one that does not within two seconds is killed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all(
      this.#running.map(async ({ child, timer }) => {
        timer?.stop();
        if (!child || child.exitCode !== null) return;
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), 2000);
        await ended;
        clearTimeout(late);
      }),
    );
  }
}
