export {
  decodePayload,
  encodePayload,
  type MacClaims,
  type MacQuotas,
  type MacRole,
  type MacScope,
  type MacVerb,
  macRoles,
} from "./codec.ts";
export {
  decodeMac,
  defaultMacClaims,
  type MacLimits,
  type MacTicket,
  type MacVerification,
  macKey,
  macLimits,
  mintMac,
  verifyMac,
} from "./macticket.ts";
