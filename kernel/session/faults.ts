import { faults } from "@skep/fault";

/** Refusals of a session. */
export const fault = faults("session", {
  absent: ["absent", "Cannot walk there: no such entry", { detail: "invalid-path" }],
  notDirectory: ["notDirectory", "Cannot list what is not a directory", { detail: "invalid-path" }],
  read: [
    "denied",
    "Cannot read here with this ticket",
    { cure: "See what it opens with `skep ticket show`, and ask for one that opens this", detail: "denied" },
  ],
  write: [
    "denied",
    "Cannot write here with this ticket",
    { cure: "See what it opens with `skep ticket show`, and ask for one that opens this", detail: "denied" },
  ],
  notWritable: ["refused", "Cannot write to this file: it is only read", { detail: "denied" }],
  isDirectory: ["isDirectory", "Cannot open a directory for its bytes", { detail: "invalid-path" }],
  closed: ["cut", "Cannot use a session that is closed", { detail: "session-closed" }],
  rate: [
    "quota",
    "Cannot read that often with this ticket",
    { cure: "Wait a second and try again", detail: "rate" },
  ],
  budget: [
    "quota",
    "Cannot read: a budget of the ticket is used up",
    { cure: "Ask for a ticket with a larger budget" },
  ],
  expired: [
    "denied",
    "Cannot go on with a ticket that has expired",
    { cure: "Mint a new one: `skep ticket mint`", detail: "expired" },
  ],
});
