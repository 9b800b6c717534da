import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const nameForm = /^(\d{1,15}(?:\.\d{1,4})?)-(\d{1,6})\.(json|held)$/;

/** A line of a job's try. */
export interface Spooled {
  readonly job: string;
  readonly attempt: number;
  readonly line: string;
}

/** Results on their way, and answers that were committed to and wait until the hive asks for them. */
type Kind = "json" | "held";

/** Results that the hive has not acknowledged, as files, so that they outlive the process. */
export class Spool {
  readonly #dir: string;

  /** Makes the folder; leftovers of unfinished writes and of output are removed. */
  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(dir)) if (!nameForm.test(name)) rmSync(join(dir, name), { force: true });
  }

  /** Where output of a job may lie while it runs. */
  outputPath(job: string, attempt: number): string {
    return join(this.#dir, `${job}-${attempt}`);
  }

  #path({ job, attempt }: Pick<Spooled, "job" | "attempt">, kind: Kind): string {
    return join(this.#dir, `${job}-${attempt}.${kind}`);
  }

  /** What an earlier process left. */
  read(kind: Kind = "json"): Spooled[] {
    return readdirSync(this.#dir).flatMap((name) => {
      const [, job, attempt, of] = nameForm.exec(name) ?? [];
      if (job === undefined || of !== kind) return [];
      return [{ job, attempt: Number(attempt), line: readFileSync(join(this.#dir, name), "utf8") }];
    });
  }

  keep(job: string, attempt: number, line: string, kind: Kind = "json"): void {
    const path = this.#path({ job, attempt }, kind);
    writeFileSync(`${path}.new`, line, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** An answer that was held is a result on its way. */
  release(job: string, attempt: number): void {
    renameSync(this.#path({ job, attempt }, "held"), this.#path({ job, attempt }, "json"));
  }

  drop(job: string, attempt: number, kind: Kind = "json"): void {
    rmSync(this.#path({ job, attempt }, kind), { force: true });
  }
}
