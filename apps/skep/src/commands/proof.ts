import type { Command } from "@skep/edge-cli";
import { auditReplay } from "./audit-replay.ts";
import { auditCat, auditExport, auditProof } from "./audit-cat.ts";
import { auditKey, auditVerify } from "./audit-verify.ts";
import { evidenceCommands } from "./evidence.ts";
import { fsck } from "./fsck.ts";
import { why } from "./why.ts";
import { witness } from "./witness.ts";

/** The commands that check and prove. */
export const proofCommands: readonly Command[] = [
  auditVerify,
  auditCat,
  auditExport,
  auditProof,
  auditKey,
  auditReplay,
  why,
  witness,
  ...evidenceCommands,
  fsck,
];
