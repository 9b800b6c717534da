import { readFileSync } from "node:fs";

/** The IPv4 address of the router, as the kernel's routes name it; undefined where there is none. */
export function defaultGateway(
  routes = (): string => readFileSync("/proc/net/route", "utf8"),
): string | undefined {
  try {
    for (const line of routes().split("\n").slice(1)) {
      const [, target, gateway = ""] = line.split(/\s+/);
      // Hex, as the machine stores it: the last octet comes first.
      if (target === "00000000" && /^[0-9A-F]{8}$/.test(gateway) && gateway !== "00000000")
        return [...Buffer.from(gateway, "hex").reverse()].join(".");
    }
  } catch {
    // Another system: no router is known there.
  }
  return undefined;
}
