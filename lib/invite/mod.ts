export {
  answerJobOffer,
  type JobOffer,
  type JobResponse,
  mostExchanged,
  readJobResponse,
  type Reason,
  type Requirements,
  type Standing,
} from "./exchange.ts";
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
export { type Offer, parseOffer, printOffer } from "./offer.ts";
