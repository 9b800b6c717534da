import { arch, availableParallelism, totalmem } from "node:os";
import type { Offer } from "@skep/invite";
import type { Values } from "../../config/mod.ts";
import { archOf } from "./wire.ts";

const MiB = 1024 * 1024;

/** What its owner lets a machine lend. */
export interface Lent {
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  /** Milliseconds of one job. */
  readonly wallTime: number;
}

/** What is lent: what was asked for, clamped to what the configuration allows and the machine has. */
export function lentOf(asked: Partial<Lent>, values: Values): Lent {
  return {
    cores: Math.min(asked.cores ?? 1, availableParallelism()),
    memory: Math.min(asked.memory ?? values["sandbox.memory"], values["sandbox.memory"], totalmem()),
    wallTime: Math.min(asked.wallTime ?? values["sandbox.wall_time"], values["sandbox.wall_time"]),
  };
}

/** The configuration of a volunteer's worker: what is lent, a new process for every module, and nothing above it. */
export function clamped(values: Values, { memory, wallTime }: Lent): Values {
  return {
    ...values,
    "sandbox.grade": "fresh",
    "sandbox.memory": memory,
    "sandbox.wall_time": wallTime,
  };
}

/** The capability record that is signed and put into the table. */
export function offerOf(node: string, { cores, memory, wallTime }: Lent, made: number, lasts: number): Offer {
  return {
    node,
    arch: archOf(arch()),
    cpu_cores: cores,
    memory_mb: Math.max(1, Math.floor(memory / MiB)),
    timeout_seconds: Math.max(1, Math.floor(wallTime / 1000)),
    wasm_runtime: "wasm",
    supported_kinds: ["wasm"],
    made,
    until: made + lasts,
  };
}
