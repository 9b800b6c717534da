import { faults } from "@skep/fault";

export const fault = faults("fuse", {
  frame: ["corrupt", "Cannot read what is no FUSE request"],
  malformed: ["invalid", "Cannot read the fields of a FUSE request"],
  version: ["unsupported", "Cannot serve this version of the FUSE protocol"],
  absent: ["absent", "Cannot look up what has no such name"],
  forgotten: ["stale", "Cannot reach a node that was forgotten"],
  handle: ["badHandle", "Cannot use a handle that is not open"],
  notOpen: ["badHandle", "Cannot do this with a handle that is not open for it"],
  access: ["denied", "Cannot go on: the mode does not allow it"],
});
