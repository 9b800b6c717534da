import type { MeshOptions } from "@skep/edge-mesh";
import type { Values } from "./values.ts";

type Links = Required<
  Pick<MeshOptions, "quic" | "websocket" | "pins" | "allowInspection" | "dnsOverHttps" | "connections">
>;

function pinsOf(list: readonly string[]): Record<string, string> {
  const parts = list.map((text) => text.split("="));
  return Object.fromEntries(parts.map(([place = "", digest = ""]) => [place, digest.toLowerCase()]));
}

/** What a configuration says of how others are dialled, for a hive's mesh and for a machine's. */
export function meshLinks(values: Values): Links {
  return {
    quic: values["mesh.quic"],
    websocket: true,
    pins: pinsOf(values["mesh.pins"]),
    allowInspection: values["mesh.allow_inspection"],
    dnsOverHttps: values["mesh.dns_over_https"],
    connections: values["mesh.connections"],
  };
}
