import { faults } from "@skep/fault";

/** Everything that this edge itself refuses. */
export const fault = faults("http", {
  absent: ["absent", "Cannot find page"],
  method: ["refused", "Cannot do anything but GET and HEAD here"],
  body: ["invalid", "Cannot take a request with a body"],
  host: [
    "denied",
    "Cannot answer for this Host",
    { cure: "Ask 127.0.0.1, [::1] or localhost, or name the host in the configuration" },
  ],
  busy: ["busy", "Cannot answer now: too many requests are being answered"],
  wide: [
    "refused",
    "Cannot listen for HTTP on an address that others can reach",
    { cure: "Use 127.0.0.1 or ::1, with a proxy in front where others are to read the log" },
  ],
  taken: [
    "conflict",
    "Cannot listen for HTTP: the address is in use",
    { cure: "Choose another port with --http, --http 0 for any free one, or --http off" },
  ],
  listen: ["internal", "Cannot listen for HTTP"],
});
