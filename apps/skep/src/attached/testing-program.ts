import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestHive } from "../testing/hive.ts";

/** One start of a program. */
export interface Started {
  /** What it said on stderr so far. */
  told(): string;
  /** Ends it by SIGTERM; gives its exit code. */
  stop(): Promise<number>;
}

/** A program that attaches to a hive, with its ticket and with rules that nobody else may write. */
export class Program implements AsyncDisposable {
  readonly rules: string;
  readonly folder: string;
  readonly #hive: TestHive;
  readonly #words: readonly string[];
  readonly #running = new Set<Started>();

  private constructor(hive: TestHive, kind: "bus" | "lora", files: { ticket: string; rules: string }) {
    this.#hive = hive;
    this.rules = files.rules;
    this.folder = join(hive.dir, "agent");
    this.#words = [kind, "--rules", files.rules, "--ticket", files.ticket, "--folder", this.folder];
  }

  /** That of a bus or a radio, with its rules. */
  static async of(hive: TestHive, kind: "bus" | "lora", name: string, text: string): Promise<Program> {
    const subject = `${kind}/${name}`;
    const minted = await hive.skep(["ticket", "mint", "--role", `worker-${kind}`, "--subject", subject]);
    const ticket = join(hive.dir, `${name}.ticket`);
    writeFileSync(ticket, minted.out);
    const safe = join(hive.dir, "rules");
    mkdirSync(safe, { mode: 0o700 });
    const rules = join(safe, `${name}.toml`);
    writeFileSync(rules, text, { mode: 0o600 });
    return new Program(hive, kind, { ticket, rules });
  }

  start(...more: readonly string[]): Started {
    const { io, done } = this.#hive.start([...this.#words, ...more]);
    const started: Started = {
      told: () => io.err(),
      stop: async () => {
        this.#running.delete(started);
        io.kill("SIGTERM");
        return done;
      },
    };
    this.#running.add(started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#running) await one.stop();
  }
}
