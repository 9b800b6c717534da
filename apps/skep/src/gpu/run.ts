import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { Fault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { z } from "zod";
import type { Clock } from "@skep/clock";
import { appendLine } from "../client/control.ts";
import { endGroup } from "../client/process-group.ts";
import { fault } from "./faults.ts";

const Begun = z.object({ run: z.string() });

/** What a run came to, as the hive's journal has it. */
export const Receipt = z.object({
  gpu: z.string(),
  run: z.string(),
  holder: z.string(),
  command: z.string(),
  since: z.number(),
  until: z.number(),
  crumbs: z.number(),
  exit: z.number().nullable(),
  /** Record of the journal that proves it. */
  record: z.number(),
  /** Fingerprint of what the hive was configured to then. */
  manifest: z.string(),
});

/** A receipt that was checked. */
export type Receipt = z.output<typeof Receipt>;

/** How a command is run. */
export interface Running {
  readonly gpu: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds between two breadcrumbs. */
  readonly every: number;
  readonly clock: Pick<Clock, "after">;
  readonly signal?: AbortSignal;
  /** What of stdout and stderr goes to the person. */
  readonly stdio: "inherit" | "ignore";
}

/** SHA-256 of a command's words, hex: the journal tells what ran, and no secret that an argument is. */
export function commandDigest(words: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(words)).digest("hex");
}

/**
 * Runs a command on a GPU under the caller's lease: the hive is asked first, and nothing starts where it refuses. It is
 * told on while the command runs; when the lease is over the command is ended, with all that it started in its process group. Throws `gpu.unleased`, `gpu-cli.{program,lost}`.
 */
export async function runOnGpu(client: Client, running: Running): Promise<Receipt> {
  const { gpu, words, every, clock, signal, env, stdio } = running;
  const [program = "", ...args] = words;
  const path = `/gpu/${gpu}/ctl`;
  const tell = async (line: object): Promise<unknown> =>
    (await appendLine(client, path, JSON.stringify(line))).result;
  const { run } = Begun.parse(await tell({ op: "begin", command: commandDigest(words) }));
  const index = /^GPU-(\d+)$/.exec(gpu)?.[1];
  const child = spawn(program, args, {
    stdio: stdio === "ignore" ? "ignore" : ["ignore", "inherit", "inherit"],
    // A group of its own: what it started ends with it.
    detached: true,
    env: { ...env, SKEP_GPU: gpu, SKEP_GPU_RUN: run, ...(index && { CUDA_VISIBLE_DEVICES: index }) },
  });
  const over = new Promise<{ readonly exit: number | null; readonly cause?: Error }>((resolve) => {
    child.once("error", (cause) => resolve({ exit: 127, cause }));
    child.once("exit", (code) => resolve({ exit: code }));
  });
  let lost: unknown;
  const end = (why?: unknown): void => {
    lost ??= why;
    endGroup(child.pid);
  };
  const stop = (): void => end();
  signal?.addEventListener("abort", stop, { once: true });
  let timer = { stop: (): void => undefined };
  let told = 0;
  const crumb = (): void => {
    timer = clock.after(every, () => {
      told += 1;
      tell({ op: "note", run, text: `running ${told}` }).then(crumb, end);
    });
  };
  crumb();
  const { exit, cause } = await over;
  timer.stop();
  signal?.removeEventListener("abort", stop);
  const receipt = Receipt.parse(await tell({ op: "end", run, exit: lost ? null : exit }));
  if (cause) throw fault.program(program, { cause });
  if (lost instanceof Fault) throw fault.lost(`${lost.message}`, { cause: lost });
  return receipt;
}
