import { faults } from "@skep/fault";

/** What can keep a machine from joining or leaving. */
export const fault = faults("node", {
  member: [
    "conflict",
    "Cannot join: this folder belongs to a machine of a hive already",
    { cure: "Leave it first with `skep leave`, or give another --worker-home" },
  ],
  stranger: ["absent", "Cannot go on: this machine has not joined a hive", { cure: "Run `skep join`" }],
  damaged: [
    "corrupt",
    "Cannot read what this machine knows of its hive",
    { cure: "Run `skep leave --forget`, and join again with a new invitation" },
  ],
  sealed: [
    "timeout",
    "Cannot join: the hive made no ticket in time",
    { cure: "Run the same `skep join` again" },
  ],
  empty: [
    "invalid",
    "Cannot read invitation: there is nothing",
    { cure: "Give it on stdin, with --from FILE, or at the prompt" },
  ],
});

/** Said when a machine's work ended because its hive no longer lets it in. */
export const saidOver = {
  removed: "The hive removed this machine; what it gave is wiped. To come back, join with a new invitation",
  expired:
    "The ticket of this machine ran out while it was away from its hive; what the hive gave is wiped. To come back, join with a new invitation",
} as const;
