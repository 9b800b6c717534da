import { faults } from "@skep/fault";

/** How the ticket of a gateway agent is made. */
export const mint = "skep ticket mint --role worker-lora --subject lora/NAME";

/** What a gateway agent is stopped by, and what a transmission is refused for. */
export const fault = faults("gateway", {
  rules: ["invalid", "Cannot use the rules of this radio"],
  port: ["busy", "Cannot listen for gateways"],
  schedule: ["corrupt", "Cannot read what was granted: the hive tells it in a form that is none of ours"],
  silent: ["refused", "Cannot send: the rules of this radio have no downlink"],
  airtime: ["refused", "Cannot send: it is longer on the air than the hive granted"],
  bytes: ["oversize", "Cannot send: the payload is longer than a frame"],
  late: ["timeout", "Cannot send: its time is over"],
  away: ["cut", "Cannot send: no gateway asked for work within its keepalive"],
  duty: ["quota", "Cannot send: the duty cycle of this radio has no room in time"],
  superseded: ["stale", "Cannot go on: another agent of this radio was started"],
});
