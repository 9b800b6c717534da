import { faults } from "@skep/fault";

/** Everything that this edge itself refuses. */
export const fault = faults("mesh", {
  unreachable: [
    "cut",
    "Cannot reach peer",
    { cure: "`skep why` tells which addresses were tried and how each failed" },
  ],
  unknown: [
    "absent",
    "Cannot reach peer: no address of it is known and nobody on this network answers for it",
  ],
  late: ["timeout", "Cannot open a stream in time to peer"],
  protocol: ["unsupported", "Cannot open a stream: the peer does not speak"],
  refused: ["busy", "Cannot open a stream to peer"],
  ended: ["cut", "Cannot use a stream that has ended, to peer"],
  overrun: ["oversize", "Cannot hold what arrives faster than it is read, from peer"],
  address: [
    "invalid",
    "Cannot use as an address",
    { cure: "Write it like /ip4/192.0.2.1/tcp/7781/p2p/PEER or 192.0.2.1:7781" },
  ],
  key: ["invalid", "Cannot make an identity of a key that is not 32 bytes"],
  peer: ["invalid", "Cannot use as a peer's name"],
  taken: [
    "conflict",
    "Cannot listen for the mesh: the address is in use",
    { cure: "Choose another port with --mesh, --mesh 0 for any free one, or --mesh off" },
  ],
  listen: ["internal", "Cannot listen for the mesh"],
  pin: [
    "denied",
    "Cannot trust the TLS of a relay: its key is another one than was pinned, so something on the way reads the traffic",
    { cure: "If that is your own company's proxy and you accept it, allow inspection for the mesh" },
  ],
  certificate: [
    "denied",
    "Cannot trust the TLS certificate of a relay",
    { cure: "Pin its key, or give its authority" },
  ],
  names: ["cut", "Cannot resolve name"],
  noRelay: ["absent", "Cannot reserve at a relay: none is known"],
  reservation: ["refused", "Cannot reserve at relay"],
  dht: ["unsupported", "Cannot use records: this mesh was started without them"],
  closed: ["canceled", "Cannot go on: the mesh is closed"],
});
