import { faults } from "@skep/fault";
import type { Deciding, Decision } from "@skep/kernel";
import { z } from "zod";
import { absentGpu, emit, type Gpu, type Gpus, type Run } from "./state.ts";

const fault = faults("gpu", {
  absent: absentGpu,
  unleased: [
    "denied",
    "Cannot run on a GPU without a lease of it",
    { cure: "Ask whoever runs the hive: `skep gpu lease`", detail: "denied" },
  ],
  run: ["absent", "Cannot find run of yours on this GPU"],
  running: ["busy", "Cannot run: a run of yours is on this GPU already"],
  object: ["invalid", "Cannot take a line that is no JSON object", { detail: "invalid-payload" }],
});

/** One line of a GPU's `ctl`. */
export const Command = z
  .discriminatedUnion("op", [
    z.strictObject({ op: z.literal("begin"), command: z.string().regex(/^[0-9a-f]{64}$/) }),
    z.strictObject({ op: z.literal("note"), run: z.string().max(32), text: z.string().min(1).max(512) }),
    z.strictObject({
      op: z.literal("end"),
      run: z.string().max(32),
      exit: z.int().min(0).max(255).nullable(),
    }),
  ])
  .meta({ id: "GpuCommand" });

/** Views of other slices. */
export interface Uses {
  readonly leased: { has(resource: string, holder: string): boolean };
  /** Fingerprint of what the hive is configured to. */
  readonly manifest: { hash(): string };
}

type At = Deciding<Gpus, Uses>;

function gpuOf({ state, params }: At): Gpu {
  const gpu = state.gpus.get(params.gpu ?? "");
  if (!gpu) throw fault.absent(params.gpu);
  return gpu;
}

function checkLease({ views, params, caller }: At): void {
  if (!views.leased.has(`gpu/${params.gpu}`, caller.subject))
    throw fault.unleased(`${params.gpu} for ${caller.subject}`);
}

function runOf(at: At, run: string): Run {
  const found = gpuOf(at).runs.find((one) => one.run === run && one.holder === at.caller.subject);
  if (!found) throw fault.run(run);
  return found;
}

/** Decides one line: a run begins under a lease, leaves breadcrumbs while it has it, and ends with a receipt. */
export function decide(command: z.output<typeof Command>, at: At): Decision {
  const id = at.params.gpu ?? "";
  const { subject } = at.caller;
  if (command.op === "end") {
    // Whoever lost the lease tells its end all the same.
    const { crumbs, ...run } = runOf(at, command.run);
    const { exit } = command;
    const manifest = at.views.manifest.hash();
    const receipt = { gpu: id, ...run, crumbs, until: at.now, exit, record: at.next, manifest };
    return { events: [emit("ended@1", { id, run: command.run, exit, manifest })], result: receipt };
  }
  const gpu = gpuOf(at);
  checkLease(at);
  if (command.op === "note") {
    runOf(at, command.run);
    return { events: [emit("crumb@1", { id, run: command.run, text: command.text })] };
  }
  const open = gpu.runs.find(({ holder }) => holder === subject);
  // Whoever told its end may be gone: then its holder tells it.
  if (open)
    throw fault.running(`${open.run} of ${subject}`, {
      cure: `Wait for its end; if it is gone, append {"op":"end","run":"${open.run}","exit":null} to /gpu/${id}/ctl`,
    });
  const run = String(at.next);
  return {
    events: [emit("begun@1", { id, run, holder: subject, command: command.command })],
    result: { run },
  };
}

/** Takes a line of the original's bridge or worker: any JSON object. */
export function decideLine(text: string, at: At, file: "lease" | "status"): Decision {
  gpuOf(at);
  const line = text.trimEnd();
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw fault.object();
  } catch (cause) {
    throw fault.object(undefined, { cause });
  }
  return { events: [emit("line@1", { id: at.params.gpu ?? "", file, line })] };
}
