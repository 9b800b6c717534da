import { faults } from "@skep/fault";

/** What files, blobs and indexes refuse or report, whoever implements them. */
export const storeFault = faults("store", {
  name: ["invalid", "Cannot use a file name that leaves its directory"],
  absent: ["absent", "Cannot read file: no such file"],
  full: [
    "busy",
    "Cannot write file: the disk is full",
    { cure: "Free space on the file system of the home, see `skep doctor`" },
  ],
  broken: ["internal", "Cannot write file: an earlier write or sync of it failed"],
  overlap: ["internal", "Cannot append to file: another append or sync of it is under way"],
  closed: ["badHandle", "Cannot use file that was closed"],
  io: ["internal", "Cannot use file: the operating system reports an error"],
});

/** What a blob store refuses or reports. */
export const blobFault = faults("blob", {
  digest: ["invalid", "Cannot use digest: it is not 64 lower-case hexadecimal digits"],
  absent: ["absent", "Cannot read blob: no blob of this digest"],
  complete: ["conflict", "Cannot append to blob that is complete"],
  closed: ["badHandle", "Cannot append to upload that was closed"],
});

/** What an index refuses. */
export const indexFault = faults("index", {
  stalled: [
    "busy",
    "Cannot look up in the index: it could not take in new records",
    { cure: "Restart the daemon; the index is then read from the journal again" },
  ],
  closed: ["badHandle", "Cannot look up in an index that was closed"],
});
