import { faults } from "@skep/fault";

export const fault = faults("replay", {
  gone: ["absent", "Cannot judge again: its control is there no more"],
  system: ["absent", "Cannot judge again: no such provider"],
});
