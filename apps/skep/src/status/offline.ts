import { foldTo, Journal } from "@skep/kernel";
import type { OutstandingView, RootView } from "@skep/provider-lifecycle";
import { openFiles } from "@skep/storage";
import { foldedMounts } from "../hive/folded.ts";
import { places } from "../hive/storage.ts";
import { version } from "../version.ts";
import type { Status } from "./live.ts";

interface Spawned {
  ids(): Iterable<string>;
}

/** What the files of a home tell of its hive, which does not run: its last snapshot and the records after it. */
export async function offlineStatus(home: string): Promise<Status> {
  const files = openFiles(places.files(home));
  const journal = await Journal.openToRead(files, { trust: true });
  const { records } = journal.segments;
  const slices = await foldTo(files, journal, foldedMounts(home, journal), version, records);
  const { hive, lifecycle, epoch, snapshot } = slices.kernel;
  const last = records === 0 ? undefined : await journal.record(records - 1);
  const { state, reason, since } = lifecycle.get();
  const counts = (name: string): number => {
    const found = slices.view<OutstandingView>(name).counts();
    return Object.values(found).reduce((sum, count) => sum + count, 0);
  };
  return {
    source: "offline",
    hive: hive.get().id,
    name: hive.get().name,
    state: "OFFLINE",
    last_state: state,
    reason,
    since_ms: since,
    epoch: epoch.get(),
    cut_reason: slices.view<RootView>("root").cutBy() ?? "none",
    workers: [...slices.view<Spawned>("spawned").ids()].length,
    jobs: counts("outstanding-jobs"),
    leases: counts("outstanding-leases"),
    records,
    snapshot: snapshot.get()?.seq ?? 0,
    last_seen_ms: last?.time ?? 0,
  };
}
