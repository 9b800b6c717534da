import type { HttpFigures } from "@skep/edge-http";
import type { Kernel } from "@skep/kernel";
import type { Family, Sample } from "@skep/provider-metrics";
import { version } from "../version.ts";

/** What figures are taken of. */
export interface Measured {
  readonly kernel: Kernel;
  /** Milliseconds that the event loop was late. */
  readonly loop: { readonly p50: number; readonly p99: number; readonly max: number };
  /** 9P requests without an answer. */
  readonly outstanding: number;
  readonly http: HttpFigures | undefined;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly freeRatio: number | undefined;
}

const gauge = (name: string, help: string, value: number): Family => ({
  name,
  help,
  kind: "gauge",
  samples: [{ value }],
});
const counter = (name: string, help: string, value: number): Family => ({
  name,
  help,
  kind: "counter",
  samples: [{ value }],
});

function labelled(
  kind: "counter" | "gauge",
  name: string,
  help: string,
  label: string,
  values: Iterable<readonly [string, number]>,
): Family {
  return {
    name,
    help,
    kind,
    samples: [...values].map(([key, value]) => ({ labels: { [label]: key }, value })),
  };
}

function counted(words: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function programFigures({ started, loop, freeRatio }: Measured): Family[] {
  const { rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const late: readonly (readonly [string, number])[] = [
    ["0.5", loop.p50 / 1000],
    ["0.99", loop.p99 / 1000],
    ["1", loop.max / 1000],
  ];
  return [
    {
      name: "skep_info",
      help: "What runs",
      kind: "gauge",
      samples: [{ labels: { version, node: process.versions.node }, value: 1 }],
    },
    gauge("process_start_time_seconds", "When the program was started", started / 1000),
    gauge("process_resident_memory_bytes", "Memory of the daemon without its workers", rss),
    counter("process_cpu_seconds_total", "Processor time of the daemon", (user + system) / 1e6),
    labelled(
      "gauge",
      "skep_loop_delay_seconds",
      "How late the event loop was since the start",
      "quantile",
      late,
    ),
    ...(freeRatio === undefined
      ? []
      : [gauge("skep_disk_free_ratio", "Free part of the home's disk", freeRatio)]),
  ];
}

function journalFigures({ kernel: { journal, metrics } }: Measured): Family[] {
  const { accepted, refused, remembered } = metrics.counts;
  return [
    counter("skep_journal_records_total", "Records in the journal since the hive began", journal.durable),
    gauge("skep_journal_undurable_records", "Records that wait for the disk", journal.depth),
    counter("skep_journal_written_bytes_total", "Bytes written since the start", journal.written),
    gauge("skep_journal_segments", "Segments of the journal", journal.segments.names.length),
    labelled("counter", "skep_controls_total", "Lines judged at the gate", "verdict", [
      ["accepted", accepted],
      ["refused", refused],
      ["remembered", remembered],
    ]),
    labelled(
      "counter",
      "skep_pressure_total",
      "Refusals by reason",
      "reason",
      Object.entries(metrics.pressure),
    ),
  ];
}

// Every provider's tables are there by themselves: jobs queued, workers known, approvals waiting.
function rowsOf(kernel: Kernel): Sample[] {
  return kernel.slices.bound.flatMap(({ provider, slice }) =>
    Object.entries((slice ?? {}) as Record<string, unknown>)
      .map(([table, member]) => ({ table, size: (member as { size?: unknown } | null)?.size }))
      .filter((found): found is { table: string; size: number } => typeof found.size === "number")
      .map(({ table, size }) => ({ labels: { provider: provider.name, table }, value: size })),
  );
}

function sessionFigures({ kernel, outstanding }: Measured): Family[] {
  const { attached, attachesFailed, badFrames, reads, shortWrites } = kernel.metrics.counts;
  const edges = counted([...kernel.sessions.values()].map(({ edge }) => edge));
  let overtaken = 0;
  for (const { bytes } of kernel.rings.overtaken.values()) overtaken += bytes;
  return [
    labelled("gauge", "skep_sessions", "Sessions that are attached, by edge", "edge", edges),
    labelled("counter", "skep_attaches_total", "Attaches since the start", "verdict", [
      ["accepted", attached],
      ["refused", attachesFailed],
    ]),
    counter("skep_reads_total", "Reads since the start", reads),
    counter("skep_bad_frames_total", "Frames that ended their connection", badFrames),
    counter("skep_short_writes_total", "Writes that were taken in part", shortWrites),
    gauge("skep_ninep_outstanding_requests", "9P requests without an answer", outstanding),
    counter("skep_stream_overtaken_bytes_total", "Bytes that slow readers of streams missed", overtaken),
    gauge("skep_effects_running", "Effects under way", kernel.effects.running),
    {
      name: "skep_state_rows",
      help: "Rows of state, by provider and table",
      kind: "gauge",
      samples: rowsOf(kernel),
    },
  ];
}

function httpFigures(http: HttpFigures): Family[] {
  return [
    gauge("skep_http_connections", "Connections to the HTTP edge", http.connections),
    counter(
      "skep_http_evicted_connections_total",
      "Idle connections that made room for others",
      http.evicted,
    ),
    gauge("skep_http_tickets", "Tickets whose sessions are open", http.sessions),
    gauge("skep_http_pages", "Sessions of pages", http.pages),
    gauge("skep_http_sockets", "Sockets of pages and programs", http.sockets),
    gauge("skep_http_event_streams", "Streams of server-sent events", http.events),
    gauge("skep_http_followed_files", "Files that are followed, each once for all of a ticket", http.topics),
    gauge("skep_http_uploads", "Uploads that are not whole", http.uploads),
    gauge("skep_http_waiting_requests", "Requests that wait for their turn", http.waiting),
    counter("skep_http_crowded_requests_total", "Requests refused because lines were full", http.refused),
    labelled(
      "counter",
      "skep_http_answers_total",
      "Answers by class of status",
      "class",
      Object.entries(http.answers),
    ),
    {
      name: "skep_http_request_duration_seconds",
      help: "Time from a request's head to its answer's end",
      kind: "histogram",
      histogram: http.seconds,
    },
  ];
}

/** All figures of a running hive. */
export function collectFigures(measured: Measured): readonly Family[] {
  return [
    ...programFigures(measured),
    ...journalFigures(measured),
    ...sessionFigures(measured),
    ...(measured.http ? httpFigures(measured.http) : []),
  ];
}
