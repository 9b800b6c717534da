import { faults } from "@skep/fault";

/** What the journal refuses or reports. */
export const fault = faults("journal", {
  damaged: [
    "corrupt",
    "Cannot start: a segment of the journal is damaged",
    {
      cure: "Put its bytes back where you have them, or make a new home of a backup: `skep restore FILE --home NEW`",
    },
  ],
  gap: [
    "corrupt",
    "Cannot start: a segment of the journal is missing",
    { cure: "Put the missing file back, or make a new home of a backup: `skep restore FILE --home NEW`" },
  ],
  short: [
    "corrupt",
    "Cannot start: the end of the journal is missing",
    { cure: "Put the missing bytes back, or make a new home of a backup: `skep restore FILE --home NEW`" },
  ],
  tree: [
    "corrupt",
    "Cannot start: the records do not lead to the root that the snapshot names",
    { cure: "Run `skep fsck`, or make a new home of a backup: `skep restore FILE --home NEW`" },
  ],
  oversize: [
    "oversize",
    "Cannot journal a record that is larger than 65,535 bytes",
    { cure: "Put large data into a blob and name its digest" },
  ],
  shape: ["corrupt", "Cannot read a record of the journal"],
  beyond: ["absent", "Cannot read a record beyond the end of the journal"],
  stopped: ["busy", "Cannot journal any more: a write to the disk failed"],
  closed: ["internal", "Cannot append to a closed journal"],
  reading: ["internal", "Cannot write to a journal that was opened to be read"],
});
