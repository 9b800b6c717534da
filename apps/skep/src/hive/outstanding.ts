import type { Provider } from "@skep/kernel";
import type { OutstandingView } from "@skep/provider-lifecycle";

interface Held {
  readonly jobs: { readonly size: number };
  readonly ended: { readonly size: number };
}

/** Jobs with the view `outstanding-jobs`: those that are not over, which a hive waits for before it stands still. */
export function withOutstanding(jobs: Provider): Provider {
  const view = ({ jobs: all, ended }: Held): OutstandingView => ({
    counts: () => ({ jobs: all.size - ended.size }),
  });
  return { ...jobs, offers: { ...jobs.offers, "outstanding-jobs": view as never } };
}
