import type { Command } from "@skep/edge-cli";
import { backup, restore } from "./backup.ts";
import { doctor } from "./doctor.ts";
import { livingCommands } from "./living.ts";

/** The commands that look after a hive and its home. */
export const careCommands: readonly Command[] = [doctor, backup, restore, ...livingCommands];
