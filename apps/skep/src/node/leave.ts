import { setTimeout } from "node:timers/promises";
import { Fault, toFault } from "@skep/fault";
import type { Values } from "../config/mod.ts";
import { readText } from "../client/files.ts";
import { homeKey } from "../hive/keys.ts";
import { lock } from "../hive/storage.ts";
import { nodePlaces, readMembership } from "./folder.ts";
import { openNodeMesh } from "./mesh.ts";
import { markWipe, wipe } from "./wipe.ts";

/** How a machine leaves. */
export interface LeaveOptions {
  readonly folder: string;
  readonly forget: boolean;
  /** This machine's own configuration. */
  readonly values: Values;
  readonly log: (line: string) => void;
}

/** Tells the hive; gives why it could not be told. */
async function tell({ folder, values, log }: LeaveOptions, signal: AbortSignal): Promise<Fault | undefined> {
  const membership = readMembership(folder);
  const ticket = readText(nodePlaces.ticket(folder))?.trim();
  if (!membership || !ticket) return undefined;
  const { seed } = homeKey(nodePlaces.identity(folder));
  const { addresses, hiveKey, worker } = membership;
  try {
    await using mesh = await openNodeMesh({
      seed,
      hiveKey,
      addresses,
      mdns: addresses.length === 0,
      values,
      log,
    });
    await using client = await mesh.client(ticket, AbortSignal.any([signal, AbortSignal.timeout(10_000)]));
    // The session ends with the leave, so its answer is that the line was taken.
    await client.append(`/worker/${worker}/leave`, '{"op":"leave"}', { signal });
    return undefined;
  } catch (thrown) {
    return toFault(thrown);
  }
}

// The worker of this folder sees that it is let in no more, and ends.
async function waitForWorker({ folder }: LeaveOptions, signal: AbortSignal): Promise<Disposable> {
  for (let tries = 0; ; tries += 1)
    try {
      return lock(folder);
    } catch (thrown) {
      if (!(thrown instanceof Fault) || tries === 100) throw thrown;
      // A real timer: nothing else holds this process while it waits.
      await setTimeout(100, undefined, { signal });
    }
}

/**
 * Takes a machine out of its hive and wipes what the hive gave, whether the hive can be told or not. Gives the hive's name, and
 * why it could not be told. Throws `home.held` while a worker of the folder does not end.
 */
export async function leaveHive(
  options: LeaveOptions,
  signal: AbortSignal,
): Promise<{ readonly hive: string | undefined; readonly untold: Fault | undefined }> {
  const hive = readMembership(options.folder)?.hive;
  // Before the hive is told: whatever cuts this short, the next start here ends it.
  markWipe(options.folder, options.forget);
  const untold = await tell(options, signal);
  using _held = await waitForWorker(options, signal);
  wipe(options.folder, options.forget);
  return { hive, untold };
}
