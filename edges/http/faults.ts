import { faults } from "@skep/fault";

const again = { cure: "Try again after the seconds that Retry-After names" };

/** Everything that this edge itself refuses. */
export const fault = faults("http", {
  absent: ["absent", "Cannot find page"],
  method: ["refused", "Cannot use this method here"],
  body: ["invalid", "Cannot take a request with a body here"],
  json: ["invalid", "Cannot take a body that is not JSON of the right form"],
  type: ["invalid", "Cannot take a body of this type"],
  large: ["oversize", "Cannot take a body this large"],
  query: ["invalid", "Cannot take this query"],
  path: ["invalid", "Cannot take a path in this spelling"],
  header: ["invalid", "Cannot take this header"],
  host: [
    "denied",
    "Cannot answer for this Host",
    { cure: "Ask 127.0.0.1, [::1] or localhost, or name the host in the configuration" },
  ],
  origin: ["denied", "Cannot answer a page of another origin"],
  busy: ["busy", "Cannot answer now: too many requests are being answered", again],
  crowded: ["quota", "Cannot queue more: too many requests of this caller wait", again],
  rate: ["quota", "Cannot answer that many requests of one ticket", again],
  slow: ["timeout", "Cannot wait any longer for the rest of the request"],
  ticket: [
    "unauthenticated",
    "Cannot answer without a ticket",
    { cure: "Send `Authorization: Bearer TICKET`, or open the page with `skep ui`" },
  ],
  reads: [
    "denied",
    "Cannot write with the gateway's bearer: it only reads",
    { cure: "Send the ticket of who acts as x-cohesix-ticket", detail: "denied" },
  ],
  code: ["unauthenticated", "Cannot open a session with this code", { cure: "Run `skep ui` again" }],
  proof: [
    "unauthenticated",
    "Cannot take a request of a page without the signature of its key",
    { cure: "Run `skep ui` to open the page anew" },
  ],
  replayed: ["unauthenticated", "Cannot take the same signed request twice"],
  unarmed: [
    "denied",
    "Cannot write while the page is read-only",
    { cure: "Arm the page, then try again", detail: "unarmed" },
  ],
  match: ["stale", "Cannot change what is not as If-Match says", { cure: "Read it again" }],
  directory: ["isDirectory", "Cannot append to a directory"],
  range: ["invalid", "Cannot give this range"],
  offset: [
    "conflict",
    "Cannot go on with the upload there",
    { cure: "Ask with HEAD how far it is: Upload-Offset" },
  ],
  digest: ["invalid", "Cannot store bytes that have another digest"],
  cursor: ["invalid", "Cannot resume at this cursor"],
  many: ["quota", "Cannot subscribe to more on this connection"],
  wide: [
    "refused",
    "Cannot listen for HTTP without TLS on an address that others can reach",
    { cure: "Set http.tls to `own` or to a certificate, use 127.0.0.1, or put a proxy in front" },
  ],
  taken: [
    "conflict",
    "Cannot listen for HTTP: the address is in use",
    { cure: "Choose another port with --http, --http 0 for any free one, or --http off" },
  ],
  listen: ["internal", "Cannot listen for HTTP"],
});
