import type { Provider } from "@skep/kernel";
import type { OutstandingView } from "@skep/provider-lifecycle";

interface Held {
  readonly held: { readonly size: number };
}

/**
 * Jobs with the view `outstanding-jobs`: those that a worker has, which a hive waits for before it stands still. What
 * waits goes on waiting, and nothing of it is leased while the hive drains.
 */
export function withOutstanding(jobs: Provider): Provider {
  const view = ({ held }: Held): OutstandingView => ({ counts: () => ({ jobs: held.size }) });
  return { ...jobs, offers: { ...jobs.offers, "outstanding-jobs": view as never } };
}
