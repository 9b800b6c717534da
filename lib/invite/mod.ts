export { type Box, boxOf, createBox, openBox, sealFor } from "./box.ts";
export {
  classes,
  type Invite,
  isInvite,
  joinCode,
  joinStatement,
  type MachineClass,
  parseInvite,
  printInvite,
} from "./invite.ts";
