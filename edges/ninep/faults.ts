import { faults } from "@skep/fault";

/** Everything that this edge itself refuses. */
export const fault = faults("ninep-edge", {
  noTicket: [
    "unauthenticated",
    "Cannot attach without a ticket",
    { cure: "Mount the unix socket of the home, or give a ticket as aname", detail: "no-ticket" },
  ],
  aname: ["invalid", "Cannot attach to a name that is neither TICKET nor TICKET:/sub/tree"],
  full: [
    "busy",
    "Cannot attach: as many connections as this edge takes are open",
    { cure: "Raise limits.connections, or end some", detail: "connections" },
  ],
  gone: ["canceled", "Cannot attach a connection that has ended meanwhile"],
  cookie: ["invalid", "Cannot list from an offset that this listing did not give"],
  wide: [
    "refused",
    "Cannot listen for 9P on an address that others can reach",
    { cure: "Use 127.0.0.1, ::1, or the mesh for other machines" },
  ],
  taken: [
    "conflict",
    "Cannot listen for 9P: the address is in use",
    { cure: "Choose another port with --9p, --9p 0 for any free one, or --9p off" },
  ],
  long: ["nameTooLong", "Cannot listen on a socket whose path is over 107 bytes"],
  notSocket: ["conflict", "Cannot listen on a path that is no socket"],
  open: [
    "denied",
    "Cannot listen in a directory that others can enter",
    { cure: "Set its mode to 0700 and its owner to you" },
  ],
  listen: ["internal", "Cannot listen for 9P"],
});
