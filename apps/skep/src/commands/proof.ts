import type { Command } from "@skep/edge-cli";

/** The commands that check and prove. */
export const proofCommands: readonly Command[] = [];
