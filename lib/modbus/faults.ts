import { faults } from "@skep/fault";

export const fault = faults("modbus", {
  range: ["invalid", "Cannot ask a device for this many or there"],
  exception: ["failed", "Cannot go on: the device refused"],
  unsure: ["unknown", "Cannot tell whether the device did it"],
  form: ["corrupt", "Cannot read what the device answered"],
  timeout: ["timeout", "Cannot go on: the device did not answer in time"],
  closed: ["cut", "Cannot go on: the connection to the device is closed"],
  value: ["invalid", "Cannot write this value into such registers"],
});
