import { faults } from "@skep/fault";

/** What can be wrong with a ticket; no message ever contains one. */
export const fault = faults("ticket", {
  malformed: ["unauthenticated", "Cannot read ticket: it is not one", { cure: "Mint a new ticket" }],
  forged: [
    "unauthenticated",
    "Cannot accept ticket: no known root key signed it",
    { cure: "Ask this hive's operator" },
  ],
  oversize: ["oversize", "Cannot accept ticket: beyond its limits"],
  "unknown-fact": ["unauthenticated", "Cannot accept ticket: a block says something unknown"],
  widens: ["denied", "Cannot narrow ticket: the new block asks for more than the ticket has"],
  sealed: ["conflict", "Cannot narrow ticket: it is sealed"],
  "wrong-hive": ["unauthenticated", "Cannot accept ticket: it is for another hive"],
  "not-yet-valid": [
    "unauthenticated",
    "Cannot accept ticket: issued in the future",
    { cure: "Compare the clocks" },
  ],
  expired: [
    "unauthenticated",
    "Cannot accept ticket: it has expired",
    { cure: "Mint a new ticket", detail: "expired" },
  ],
  revoked: ["unauthenticated", "Cannot accept ticket: it is revoked"],
  claims: ["invalid", "Cannot mint ticket: claims are not valid"],
  key: ["invalid", "Cannot use key: not an Ed25519 key"],
});
