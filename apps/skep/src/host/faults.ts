import { faults } from "@skep/fault";

/** How the ticket of a host is made. */
export const mint = "skep ticket mint --role agent --subject host/NAME";

/** What the agent of a host is stopped by, and what an act here fails for. */
export const fault = faults("host-agent", {
  rules: ["invalid", "Cannot use the host's allow-list"],
  refused: ["refused", "Cannot do this here: the allow-list of this host does not name it"],
  provider: ["unsupported", "Cannot do this here: the host has no such provider"],
  superseded: ["stale", "Cannot go on: another agent of this host was started"],
  unseen: ["unknown", "Cannot tell what it is"],
  lost: ["unknown", "Cannot tell whether it was done"],
  nothing: ["denied", "Cannot mint a ticket: the cluster lets this user do nothing with its nodes"],
  rights: [
    "oversize",
    "Cannot mint a ticket: it would carry too many rights",
    { cure: "Let the user patch all nodes and evict pods, which is one right" },
  ],
  act: ["failed", "Cannot do it: the target refused"],
});
