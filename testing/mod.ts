export { seeded } from "./clock/seeded.ts";
export { type SimulatedClock, simulatedClock } from "./clock/simulated-clock.ts";
export { filesSuite } from "./storage/files-suite.ts";
export type { PowerCut } from "./storage/power-cuts.ts";
export {
  type DiskFailure,
  type DiskOp,
  type Held,
  type RecordingFiles,
  recordingFiles,
} from "./storage/recording-files.ts";
export type { Image } from "./storage/steps.ts";
export { toyAuthority, toyHive, type ToyOptions, toyProvider } from "./hive/toy-hive.ts";
export { type GuestResult, type GuestTask, guestHost, runGuest, type Step } from "./guest/guest.ts";
export { guestLacks } from "./guest/image.ts";
