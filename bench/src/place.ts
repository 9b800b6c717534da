import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A directory of its own, removed with what is in it. */
export interface TemporaryPlace extends AsyncDisposable {
  readonly path: string;
}

/** Makes one. */
export async function temporaryPlace(): Promise<TemporaryPlace> {
  const path = await mkdtemp(join(tmpdir(), "skep-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
