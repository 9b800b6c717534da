import { randomBytes } from "node:crypto";
import type { Client } from "@skep/ninep";
import { lockHome, openFiles } from "@skep/storage";
import { realClock } from "../clock.ts";
import { recordKinds } from "../spool/record.ts";
import { Spool } from "../spool/spool.ts";
import { pushRecords } from "./device.ts";

/** Bytes of a spool. */
export const spoolBytes = 64 * 1024 * 1024;
const atOnce = 256;

/** Opens a spool that no other process may use meanwhile. Throws `home.held` when one does. */
export async function withSpool<T>(dir: string, act: (spool: Spool) => Promise<T>): Promise<T> {
  using _lock = lockHome(dir);
  await using spool = await Spool.open(openFiles(dir), {
    most: spoolBytes,
    name: () => `spool:${randomBytes(8).toString("hex")}`,
    now: () => realClock.now(),
  });
  return await act(spool);
}

const mimeOf = (kind: number): string => (kind === recordKinds.json ? "application/json" : "text/plain");

/**
 * Brings what waits in a spool to a device, and acknowledges it there once the hive has it on its disk. After any
 * interruption it goes on: what the hive has already it does not take twice. Gives how many were forwarded.
 */
export async function forwardSpool(
  client: Client,
  device: string,
  spool: Spool,
  signal?: AbortSignal,
): Promise<number> {
  let count = 0;
  for (let waiting = spool.read(atOnce); waiting.length > 0; waiting = spool.read(atOnce)) {
    const records = waiting.map(({ seq, kind, payload }) => ({
      seq,
      mime: mimeOf(kind),
      payload: payload.toString("utf8"),
    }));
    await pushRecords(client, device, spool.name, records, signal);
    await spool.acknowledge(waiting.at(-1)?.seq ?? 0);
    count += waiting.length;
  }
  return count;
}
