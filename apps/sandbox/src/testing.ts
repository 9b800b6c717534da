import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SandboxJob, SandboxLimits } from "./job.ts";

const MiB = 1024 * 1024;

/** The bytes of one of the example modules. */
export function example(name: string): Uint8Array {
  return readFileSync(join(import.meta.dirname, "../../../examples/modules", `${name}.wasm`));
}

export const modestLimits: SandboxLimits = {
  fuel: 1_000_000_000n,
  memoryBytes: 16 * MiB,
  wallMs: 20_000,
  stdoutBytes: MiB,
  stderrBytes: MiB,
};

/** A job that runs these bytes; what it writes is gathered in `output`. */
export function jobOf(
  bytes: Uint8Array,
  more: Partial<Omit<SandboxJob, "limits">> & { readonly limits?: Partial<SandboxLimits> } = {},
): SandboxJob & { readonly output: { stdout: string; stderr: string } } {
  const output = { stdout: "", stderr: "" };
  return {
    module: { bytes },
    digest: createHash("sha256").update(bytes).digest("hex"),
    subject: "tests",
    grade: "fresh",
    args: ["module"],
    env: {},
    stdin: new Uint8Array(0),
    startTimeMs: 1_700_000_000_000,
    seed: Buffer.from("job"),
    onOutput: (stream, data) => {
      output[stream] += Buffer.from(data).toString("latin1");
    },
    ...more,
    limits: { ...modestLimits, ...more.limits },
    output,
  };
}

/** Every process below this one, on Linux. */
export function descendants(pid: number): number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)))
    try {
      const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "latin1")) ?? [];
      if (Number(parent) === pid) found.push(Number(name), ...descendants(Number(name)));
    } catch {
      // gone meanwhile
    }
  return found;
}
