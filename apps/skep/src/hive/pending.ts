import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Json, type Kernel, kernelEvent } from "@skep/kernel";
import { readText, replacePrivate } from "../client/files.ts";

/** What was done to a home while its hive was stopped, and is journalled by the next start. */
export type PendingEvent =
  | {
      readonly op: "restored";
      readonly data: {
        /** Origin of the log that the backup was made of. */
        readonly origin: string;
        /** Its signed checkpoint: the last of its records that are here. */
        readonly checkpoint: string;
        /** The key that signed it, as a C2SP verifier key. */
        readonly key: string;
        /** Origin of the log from here on. */
        readonly now: string;
      };
    }
  | {
      readonly op: "key-rotated";
      readonly data: {
        readonly kind: string;
        readonly old: string;
        readonly now: string;
        readonly retired: boolean;
        /** Signed note (C2SP) of the change, by the old key and the new; empty when a key is only retired. */
        readonly note: string;
      };
    };

const fileOf = (home: string): string => join(home, "pending.json");

/** What waits to be journalled, oldest first. */
export function pendingEvents(home: string): readonly PendingEvent[] {
  const text = readText(fileOf(home));
  return text === undefined ? [] : (JSON.parse(text) as PendingEvent[]);
}

/** Has the next start journal this; the caller holds the lock of the home. */
export function addPending(home: string, event: PendingEvent): void {
  replacePrivate(fileOf(home), `${JSON.stringify([...pendingEvents(home), event])}\n`);
}

/** Journals what waits. A crash before its end journals it twice, which changes nothing. */
export async function journalPending(home: string, kernel: Kernel): Promise<void> {
  const events = pendingEvents(home);
  for (const { op, data } of events)
    kernel.system("kernel", "/", { op, ...data } as Json, () => ({
      events: [kernelEvent(`${op}@1`, data as never)],
    }));
  if (events.length === 0) return;
  await kernel.settled();
  rmSync(fileOf(home));
}
