import { defineProvider, type JournalRecord, type Json, type Provider } from "@skep/kernel";
import { type Family, printFamilies } from "./text.ts";

/** What the app passes in. */
export interface MetricsDeps {
  /** Figures as they are at this moment. */
  collect(): readonly Family[];
  /** Hears of every record that became durable with a trace context. */
  traced?(record: JournalRecord): void;
}

/** Names of events are declared by providers, so there are not many; what is beyond counts as one. */
const mostNames = 500;

class Counts {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    const known = this.#counts.has(name) || this.#counts.size < mostNames ? name : "other";
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + 1);
  }

  samples(label: string) {
    return [...this.#counts].sort().map(([name, value]) => ({ labels: { [label]: name }, value }));
  }
}

/** `/proc/metrics`: figures of the hive for Prometheus, and with `.json` for everybody else. */
export function metricsProvider(deps: MetricsDeps): Provider {
  const events = new Counts();
  const refusals = new Counts();
  const families = (): readonly Family[] => [
    ...deps.collect(),
    {
      name: "skep_events_total",
      help: "Events in records that became durable since the start, by type",
      kind: "counter",
      samples: events.samples("event"),
    },
    {
      name: "skep_refusals_total",
      help: "Journalled refusals since the start, by code",
      kind: "counter",
      samples: refusals.samples("code"),
    },
  ];
  return defineProvider<null>({
    name: "metrics",
    doc: "Figures of the running hive",
    journalled: false,
    initial: () => null,
    events: {},
    recorded: (record) => {
      const { events: made, verdict } = record;
      if (record.trace !== undefined) deps.traced?.(record);
      for (const { t } of made) events.add(t);
      if (!verdict.ok)
        for (let left = Math.min(verdict.count ?? 1, 1_000_000); left > 0; left -= 1)
          refusals.add(verdict.code ?? "unknown");
    },
    mounts: (t) => ({
      "/proc/metrics": t.text("Figures of the hive in the form of Prometheus", {
        render: () => printFamilies(families()),
        json: () => families() as unknown as Json,
      }),
    }),
  });
}
