import type { Family, Sample } from "@skep/provider-metrics";

/** Figures of one moment. */
export interface Moment {
  /** Milliseconds of a monotonic clock. */
  readonly at: number;
  readonly families: readonly Family[];
}

/** One line of `skep top`. */
export interface TopRow {
  readonly name: string;
  readonly value: string;
}

function samplesOf({ families }: Moment, name: string): readonly Sample[] {
  return families.find((family) => family.name === name)?.samples ?? [];
}

function figureOf(moment: Moment, name: string, labels: Readonly<Record<string, string>> = {}): number {
  return samplesOf(moment, name)
    .filter((sample) => Object.entries(labels).every(([key, text]) => sample.labels?.[key] === text))
    .reduce((sum, { value }) => sum + value, 0);
}

const seconds = (value: number): string => `${(value * 1000).toFixed(1)} ms`;
const megabytes = (value: number): string => `${Math.round(value / 1e6)} MB`;

/** The bound under which so much of what was counted since the earlier moment lies, seconds. */
function quantile(now: Moment, before: Moment | undefined, name: string, part: number): number | undefined {
  const of = (moment: Moment | undefined) =>
    moment?.families.find((family) => family.name === name)?.histogram;
  const found = of(now);
  if (!found) return undefined;
  const earlier = of(before)?.counts ?? [];
  const counts = found.counts.map((count, at) => count - (earlier[at] ?? 0));
  const wanted = counts.reduce((sum, count) => sum + count, 0) * part;
  if (wanted === 0) return undefined;
  let below = 0;
  for (const [at, count] of counts.entries()) {
    below += count;
    if (below >= wanted) return found.bounds[at] ?? Number.POSITIVE_INFINITY;
  }
  return undefined;
}

/** What `skep top` shows of two moments; rates need an earlier one. */
export function topRows(now: Moment, before: Moment | undefined): readonly TopRow[] {
  const rate = (name: string, labels?: Readonly<Record<string, string>>): string => {
    if (!before) return "–";
    const spent = (now.at - before.at) / 1000;
    return `${Math.max(0, (figureOf(now, name, labels) - figureOf(before, name, labels)) / spent).toFixed(1)}/s`;
  };
  const busy = rate("process_cpu_seconds_total").replace("/s", "");
  const p99 = quantile(now, before, "skep_http_request_duration_seconds", 0.99);
  const edges = samplesOf(now, "skep_sessions").map(({ labels, value }) => `${labels?.edge} ${value}`);
  const row = (name: string, value: string): TopRow => ({ name, value });
  return [
    row("processor", before ? `${Math.round(Number(busy) * 100)} %` : "–"),
    row("memory", megabytes(figureOf(now, "process_resident_memory_bytes"))),
    row("loop late, p99", seconds(figureOf(now, "skep_loop_delay_seconds", { quantile: "0.99" }))),
    row("controls", rate("skep_controls_total", { verdict: "accepted" })),
    row("refusals", rate("skep_controls_total", { verdict: "refused" })),
    row("reads", rate("skep_reads_total")),
    row("records", `${figureOf(now, "skep_journal_records_total")}, ${rate("skep_journal_records_total")}`),
    row("waiting for the disk", String(figureOf(now, "skep_journal_undurable_records"))),
    row("sessions", edges.join(", ") || "0"),
    row("jobs queued", String(figureOf(now, "skep_state_rows", { provider: "jobs", table: "queue" }))),
    row("jobs ended", rate("skep_events_total", { event: "jobs:ended@1" })),
    row("effects running", String(figureOf(now, "skep_effects_running"))),
    row("HTTP", `${rate("skep_http_answers_total")}, p99 ${p99 === undefined ? "–" : `≤ ${seconds(p99)}`}`),
    row(
      "followers",
      `${figureOf(now, "skep_http_sockets") + figureOf(now, "skep_http_event_streams")} of ${figureOf(now, "skep_http_followed_files")} files`,
    ),
  ];
}
