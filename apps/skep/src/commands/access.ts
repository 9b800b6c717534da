import type { Command } from "@skep/edge-cli";

/** The commands that let others in. */
export const accessCommands: readonly Command[] = [];
