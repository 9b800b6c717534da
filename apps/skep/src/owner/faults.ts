import { faults } from "@skep/fault";

/** What the commands of a machine's owner are refused with. */
export const fault = faults("owner", {
  none: [
    "absent",
    "Cannot find a worker on this machine",
    { cure: "Join a hive with `skep join`, start one with `skep up`, or name a folder with --worker-home" },
  ],
  folder: [
    "absent",
    "Cannot speak to a worker: none lived in this folder",
    { cure: "`skep owner` without --worker-home names the folders of this machine's workers" },
  ],
  exists: ["conflict", "Cannot write rules over those that are there", { cure: "Edit that file" }],
});
