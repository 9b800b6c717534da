import type { Command } from "@skep/edge-cli";

/** The commands that look after a hive and its home. */
export const careCommands: readonly Command[] = [];
