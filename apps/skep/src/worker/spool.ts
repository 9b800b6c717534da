import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const nameForm = /^(\d{1,15}(?:\.\d{1,4})?)-(\d{1,6})\.json$/;

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

  /** What an earlier process left. */
  read(): { readonly job: string; readonly attempt: number; readonly line: string }[] {
    return readdirSync(this.#dir).flatMap((name) => {
      const [, job, attempt] = nameForm.exec(name) ?? [];
      if (job === undefined) return [];
      return [{ job, attempt: Number(attempt), line: readFileSync(join(this.#dir, name), "utf8") }];
    });
  }

  keep(job: string, attempt: number, line: string): void {
    const path = join(this.#dir, `${job}-${attempt}.json`);
    writeFileSync(`${path}.new`, line, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  drop(job: string, attempt: number): void {
    rmSync(join(this.#dir, `${job}-${attempt}.json`), { force: true });
  }
}
