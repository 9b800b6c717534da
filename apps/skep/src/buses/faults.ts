import { faults } from "@skep/fault";

/** How the ticket of a bridge is made. */
export const mint = "skep ticket mint --role worker-bus --subject bus/NAME";

/** What a bridge is stopped by, and what a write to its bus fails for. */
export const fault = faults("bridge", {
  rules: ["invalid", "Cannot use the bridge's rules"],
  where: [
    "invalid",
    "Cannot reach a bus without a ticket: give --ticket, or --once to read it without a hive",
  ],
  device: ["cut", "Cannot reach the device"],
  program: [
    "unsupported",
    "Cannot read this CAN interface: candump does not run",
    { cure: "Install can-utils, and bring the interface up" },
  ],
  send: ["failed", "Cannot send on this CAN interface"],
  serial: ["unsupported", "Cannot set the serial line: stty does not take it"],
  refused: ["refused", "Cannot write this point: the rules of this bridge do not let it be written"],
  bounds: ["invalid", "Cannot write this value: the rules of this bridge have other bounds"],
  lost: ["unknown", "Cannot tell whether it was written"],
  superseded: ["stale", "Cannot go on: another bridge of this bus was started"],
});
