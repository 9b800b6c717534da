import type { Command } from "@skep/edge-cli";
import { run } from "./run.ts";
import { worker } from "./worker.ts";

/** Commands about work: the jobs, and the machines that do them. */
export const workCommands: readonly Command[] = [run, worker];
