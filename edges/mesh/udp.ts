import { readFileSync } from "node:fs";
import type { Happening } from "./events.ts";

/** Bytes that a socket should be able to hold, or packets are lost in our own kernel (7 MiB). */
export const wanted = 7 * 1024 * 1024;

function cap(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/net/core/${name}`, "utf8"));
  } catch {
    return 0;
  }
}

/**
 * What the kernel lets a UDP socket hold. QUIC opens its sockets itself and takes the default, so both count: the most
 * that may be asked for and what one gets unasked.
 */
export function udpBuffers(read: (name: string) => number = cap): Extract<Happening, { kind: "udp" }> {
  const receive = Math.min(read("rmem_max"), read("rmem_default"));
  const send = Math.min(read("wmem_max"), read("wmem_default"));
  const settings = ["rmem_max", "rmem_default", "wmem_max", "wmem_default"].map(
    (name) => `net.core.${name}=${wanted}`,
  );
  return {
    kind: "udp",
    receive,
    send,
    wanted,
    ...(receive < wanted || send < wanted ? { cure: `sysctl -w ${settings.join(" ")}` } : {}),
  };
}
