import { faults } from "@skep/fault";

/** What can be wrong with a console ticket; `detail` is the tag that the console sends. No message contains a ticket. */
export const fault = faults("macticket", {
  denied: [
    "denied",
    "Cannot accept console ticket: it is not one that this hive minted",
    { detail: "denied" },
  ],
  claims: ["invalid", "Cannot accept console ticket: claims beyond limits", { detail: "invalid-claims" }],
  expired: [
    "quota",
    "Cannot accept console ticket: it has expired",
    { detail: "expired", cure: "Mint a new ticket" },
  ],
  unprintable: ["invalid", "Cannot mint console ticket", { detail: "invalid-claims" }],
});
