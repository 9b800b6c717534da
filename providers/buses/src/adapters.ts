import { createHash } from "node:crypto";
import { faults } from "@skep/fault";
import type { Airtime } from "./airtime.ts";

const fault = faults("bus-config", {
  twice: ["invalid", "Cannot mount two adapters of one id"],
});

/** What a bus speaks. */
export const protocols = ["modbus", "dnp3", "can"] as const;
/** Where a radio may send, by the names of the LoRa Alliance. */
export const regions = ["eu868", "us915", "au915", "as923", "in865", "kr920", "cn470", "eu433"] as const;

type Named = {
  /** Names it in the configuration, once. */
  readonly id: string;
  /** Name of its directory, where no other adapter wants the same. */
  readonly label: string;
  /** Subject, or last step of one, that a worker's ticket must have. */
  readonly scope: string;
};

/** A field bus, as it is configured. */
export interface BusAdapter extends Named {
  readonly protocol: (typeof protocols)[number];
  /** Bits per second of a serial line; 0 for none. */
  readonly serial: number;
  /** What is kept while its link is offline. */
  readonly spool: { readonly entries: number; readonly bytes: number };
  /** Its link before anybody said anything. */
  readonly link: "online" | "offline";
  /** Whether the spool is replayed as soon as the link is online again, or by a write to `replay` alone. */
  readonly replay: "auto" | "manual";
}

/** A radio, as it is configured. */
export interface LoraAdapter extends Named {
  readonly region: (typeof regions)[number];
  /** Share of each window that may be on the air, percent. */
  readonly duty: number;
  /** Milliseconds. */
  readonly window: number;
  /** Longest payload, bytes. */
  readonly payload: number;
  /** Refused transmissions that are kept. */
  readonly tamper: number;
  readonly airtime: Airtime;
}

/** An adapter under the name of its directory. */
export type Mounted<A> = ReadonlyMap<string, A>;

const prefixOf = (id: string, length: number): string =>
  createHash("sha256").update(id).digest("hex").slice(0, length);

/**
 * Directories of adapters. A label that two adapters want is nobody's: both get it behind the beginning of the SHA-256 of
 * their ids, so that which of them stands first does not matter. Throws `bus-config.twice`.
 */
export function mountNames<A extends Named>(adapters: readonly A[]): Mounted<A> {
  const wanted = new Map<string, number>();
  const ids = new Set<string>();
  for (const { id, label } of adapters) {
    if (ids.has(id)) throw fault.twice(id);
    ids.add(id);
    wanted.set(label, (wanted.get(label) ?? 0) + 1);
  }
  const single = ({ label }: A): boolean => wanted.get(label) === 1;
  const mounted = new Map<string, A>(adapters.filter(single).map((one) => [one.label, one]));
  for (const one of adapters.filter((each) => !single(each)).sort((a, b) => (a.id < b.id ? -1 : 1)))
    for (let length = 8; ; length += 1) {
      const name = `${prefixOf(one.id, length)}-${one.label}`;
      if (mounted.has(name)) continue;
      mounted.set(name, one);
      break;
    }
  return mounted;
}
