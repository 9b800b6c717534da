import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fault } from "./faults.ts";
import type { HostProvider, Thing } from "./provider.ts";

/** Network links, as the kernel tells of them. */
export class Links implements HostProvider {
  readonly facet = "net";
  readonly settleMs = 0;
  readonly everyMs: number;
  readonly #folder: string;

  constructor(everyMs: number, folder = "/sys/class/net") {
    this.everyMs = everyMs;
    this.#folder = folder;
  }

  async look(): Promise<readonly Thing[]> {
    return readdirSync(this.#folder).flatMap((name) => {
      const state = this.#read(name, "operstate");
      if (state === undefined) return [];
      const carrier = this.#read(name, "carrier");
      const speed = Number(this.#read(name, "speed") ?? -1);
      const fields = {
        // The kernel says `unknown` of links that have no notion of it, such as loopback.
        operstate: state,
        mtu: Number(this.#read(name, "mtu") ?? 0),
        address: this.#read(name, "address") ?? "",
        ...(speed > 0 ? { speed_mbit: speed } : {}),
      };
      if (carrier === undefined) return [{ name, state: "down", fields }];
      return [{ name, state: carrier === "1" ? "up" : "no-carrier", fields }];
    });
  }

  // A link that is down refuses to tell its carrier and speed.
  #read(link: string, file: string): string | undefined {
    try {
      return readFileSync(join(this.#folder, link, file), "utf8").trim();
    } catch {
      return undefined;
    }
  }

  async evidence(): Promise<undefined> {
    return undefined;
  }

  async act(): Promise<never> {
    throw fault.provider("links are only looked at");
  }

  done(): "unknown" {
    return "unknown";
  }

  [Symbol.dispose](): void {}
}
