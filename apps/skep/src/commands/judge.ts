import type { Command } from "@skep/edge-cli";
import { actionCommands } from "./action.ts";
import { approvals, approve, reject, undo } from "./approvals.ts";
import { banCommand, bans, drain, unban } from "./bans.ts";
import { policyApply, policyCheck, policyRollback, policyShow, policySigners, policyTest } from "./policy.ts";
import { policyRetention, policyWitnesses } from "./policy-kept.ts";
import { policyWhatIf } from "./policy-what-if.ts";

/** The commands that decide what may happen. */
export const judgeCommands: readonly Command[] = [
  approvals,
  approve,
  reject,
  ...actionCommands,
  undo,
  policyShow,
  policyCheck,
  policyTest,
  policyApply,
  policyRollback,
  policyWhatIf,
  policySigners,
  policyRetention,
  policyWitnesses,
  banCommand,
  bans,
  unban,
  drain,
];
