import type { Command } from "@skep/edge-cli";
import { doctor } from "./doctor.ts";

/** The commands that look after a hive and its home. */
export const careCommands: readonly Command[] = [doctor];
