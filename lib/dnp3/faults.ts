import { faults } from "@skep/fault";

export const fault = faults("dnp3", {
  form: ["corrupt", "Cannot read what the outstation sent"],
  object: ["unsupported", "Cannot read an object of this group and variation"],
  long: ["oversize", "Cannot send so much in one frame"],
  control: ["invalid", "Cannot make such a control"],
  refused: ["failed", "Cannot operate: the outstation refused"],
  unselected: ["timeout", "Cannot operate: the outstation did not answer the selection"],
  unsure: ["unknown", "Cannot tell whether the outstation operated"],
  timeout: ["timeout", "Cannot go on: the outstation did not answer in time"],
  closed: ["cut", "Cannot go on: the connection to the outstation is closed"],
});
