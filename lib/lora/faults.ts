import { faults } from "@skep/fault";

export const fault = faults("lora-udp", {
  form: ["corrupt", "Cannot read datagram"],
  version: ["unsupported", "Cannot read datagram of this version of the protocol"],
  long: ["oversize", "Cannot take so much in one datagram"],
  packet: ["invalid", "Cannot make datagram"],
});
