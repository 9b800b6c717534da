import { faults } from "@skep/fault";

/** What can go wrong between a command and its job. */
export const fault = faults("run", {
  module: ["absent", "Cannot read the module"],
  oversize: [
    "oversize",
    "Cannot submit so many arguments and environment values",
    { cure: "Pass them through stdin" },
  ],
  env: ["invalid", "Cannot read an environment value that is not NAME=VALUE"],
  nothing: ["invalid", "Cannot run a module with nothing", { cure: "Leave the flag out for the default" }],
  count: ["invalid", "Cannot list so few jobs", { cure: "Give -n 1 or more" }],
  answer: ["corrupt", "Cannot read the hive's answer"],
  receipt: ["corrupt", "Cannot call it a success: the receipt does not verify"],
  file: ["absent", "Cannot read the file"],
  key: [
    "invalid",
    "Cannot verify without the worker's key",
    { cure: "Give --key with 64 hex digits, or --worker with the id of a worker of this hive" },
  ],
  unsigned: ["invalid", "Cannot verify for a worker that does not sign"],
  write: ["failed", "Cannot write the receipt"],
});
