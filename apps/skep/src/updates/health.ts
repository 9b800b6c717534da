import { spawn } from "node:child_process";
import { endGroup } from "../client/process-group.ts";

/** What says whether a new version is healthy. */
export interface Check {
  /** Command that says so by its exit code 0; none asks nobody. */
  readonly health: readonly string[];
  /** Milliseconds that it may take. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** Asks it about a payload. Where it takes too long it is ended, with all that it started in its process group. */
export function healthy({ health, timeout, signal }: Check, payload: string): Promise<boolean> {
  const [program, ...args] = health;
  if (program === undefined) return Promise.resolve(true);
  const over = AbortSignal.any([AbortSignal.timeout(timeout), ...(signal ? [signal] : [])]);
  if (over.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: "ignore",
      detached: true,
      env: { PATH: process.env.PATH ?? "", SKEP_UPDATE: payload },
    });
    const end = (): void => endGroup(child.pid);
    over.addEventListener("abort", end, { once: true });
    child.once("error", () => resolve(false));
    child.once("exit", (code) => {
      over.removeEventListener("abort", end);
      resolve(code === 0);
    });
  });
}
