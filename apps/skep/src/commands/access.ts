import type { Command } from "@skep/edge-cli";
import { contextAdd, contextList, contextRemove, contextUse } from "./context.ts";
import { invite, inviteList, inviteRevoke } from "./invite.ts";
import { join } from "./join.ts";
import { leave } from "./leave.ts";
import { nodes, nodesLabel, nodesQuarantine, nodesRelease, nodesRemove } from "./nodes.ts";
import { ticketNarrow, ticketRevoke, ticketSeal, ticketShow } from "./ticket-edit.ts";
import { ticketK8s } from "../host/rbac-command.ts";
import { ticketMint } from "./ticket-mint.ts";
import { userAdd } from "./user-add.ts";
import { engage, volunteer, volunteers } from "./volunteer.ts";

/** The commands that let others in. */
export const accessCommands: readonly Command[] = [
  invite,
  inviteList,
  inviteRevoke,
  join,
  leave,
  volunteer,
  volunteers,
  engage,
  nodes,
  nodesRemove,
  nodesLabel,
  nodesQuarantine,
  nodesRelease,
  userAdd,
  ticketMint,
  ticketK8s,
  ticketNarrow,
  ticketSeal,
  ticketShow,
  ticketRevoke,
  contextAdd,
  contextList,
  contextUse,
  contextRemove,
];
