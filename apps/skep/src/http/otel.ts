import { createHash } from "node:crypto";
import type { Clock, Timer } from "@skep/clock";
import type { JournalRecord, Session } from "@skep/kernel";
import { type Family, otlpMetrics, otlpTraces, type Resource, type Span } from "@skep/provider-metrics";
import { realClock } from "../clock.ts";
import { readOnly } from "../hive/door.ts";
import type { Hive } from "../hive/hive.ts";
import { version } from "../version.ts";
import { exchange, reasonOf } from "./exchange.ts";

const file = "/proc/metrics";
/** Spans that wait to be sent; more are dropped and counted. */
const mostWaiting = 2048;
const batch = 512;
const withinMs = 5000;
/** Of an answer, which tells at most what was refused. */
const mostBytes = 64 * 1024;
/** Statuses after which the same may be sent again (OTLP/HTTP, retryable response codes). */
const passing = new Set([429, 502, 503, 504]);

/** What an exporter is given. */
export interface OtelOptions {
  readonly endpoints: readonly string[];
  /** Milliseconds between two exports. */
  readonly every: number;
  readonly resource: Resource;
  readonly clock: Clock;
  /** Milliseconds since 1970 from which counters count. */
  readonly since: number;
  families(): Promise<readonly Family[]>;
  readonly report: (line: string) => void;
}

/**
 * The span of a record, below the one that its trace context names: what and how it ended, never the command, the
 * subject or the ticket. Undefined for a context that is none, or that is not sampled.
 */
export function spanOf(record: JournalRecord, hive: string, now: number): Span | undefined {
  const { seq, time, path, trace = "", verdict } = record;
  const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(trace);
  const [, traceId = "", parentSpanId = "", flags = ""] = found ?? [];
  if (!found || (Number.parseInt(flags, 16) & 1) === 0 || /^0+$/.test(traceId) || /^0+$/.test(parentSpanId))
    return undefined;
  return {
    traceId,
    parentSpanId,
    // Whoever has the record can tell its span.
    spanId: createHash("sha256").update(`${hive}\n${seq}`).digest("hex").slice(0, 16),
    name: `${path.split("/")[1] ?? ""} command`,
    began: time,
    ended: Math.max(time, now),
    attributes: { "skep.path": path, "skep.record": seq },
    refused: verdict.ok ? undefined : (verdict.code ?? "internal"),
  };
}

/** Sends figures and spans to the collectors that were configured, and nowhere else. */
export class OtelExporter {
  readonly #options: OtelOptions;
  #spans: Span[] = [];
  #timer: Timer | undefined;
  #sending: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** Collectors that failed last, so that it is told once. */
  readonly #failing = new Set<string>();
  dropped = 0;

  constructor(options: OtelOptions) {
    this.#options = options;
    this.#next();
  }

  #next(): void {
    this.#timer = this.#options.clock.after(this.#options.every, () => {
      void this.flush().finally(() => this.#isClosed || this.#next());
    });
  }

  /** Takes a span that is sent with the next export. */
  add(span: Span): void {
    if (this.#spans.length < mostWaiting) this.#spans.push(span);
    else this.dropped += 1;
  }

  /** Sends what there is now; never rejects. */
  flush(): Promise<void> {
    this.#sending = this.#sending.then(() => this.#export());
    return this.#sending;
  }

  async #export(): Promise<void> {
    const { endpoints, resource, since, clock } = this.#options;
    const families = [...(await this.#options.families().catch(() => [])), this.#own()];
    const metrics = otlpMetrics(families, resource, { since, now: clock.now() });
    await Promise.all(endpoints.map((endpoint) => this.#send(endpoint, "/v1/metrics", metrics)));
    while (this.#spans.length > 0) {
      const some = this.#spans.slice(0, batch);
      const traces = otlpTraces(some, resource);
      const ends = await Promise.all(endpoints.map((endpoint) => this.#send(endpoint, "/v1/traces", traces)));
      // Nobody has them: they stay for the next time.
      if (ends.every((end) => end === "again")) return;
      this.#spans = this.#spans.slice(some.length);
    }
  }

  #own(): Family {
    const help = "Spans that were not exported because too many waited";
    return {
      name: "skep_otel_dropped_spans_total",
      help,
      kind: "counter",
      samples: [{ value: this.dropped }],
    };
  }

  async #send(endpoint: string, path: string, body: unknown): Promise<"sent" | "refused" | "again"> {
    const url = `${endpoint.replace(/\/+$/, "")}${path}`;
    try {
      const headers = { "content-type": "application/json" };
      const question = { method: "POST", headers, body: JSON.stringify(body), mostBytes, withinMs };
      const { status } = await exchange(url, question);
      if (status >= 200 && status < 300) {
        this.#failing.delete(url);
        return "sent";
      }
      this.#tell(url, `it answered ${status}`);
      return passing.has(status) ? "again" : "refused";
    } catch (failed) {
      this.#tell(url, reasonOf(failed));
      return "again";
    }
  }

  #tell(url: string, why: string): void {
    if (this.#failing.has(url)) return;
    this.#failing.add(url);
    this.#options.report(`otel: cannot export to ${url}: ${why}`);
  }

  /** Sends the rest once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.stop();
    await this.flush();
  }
}

async function familiesOf(session: Session): Promise<readonly Family[]> {
  return JSON.parse(Buffer.from(await session.read(`${file}.json`)).toString()) as readonly Family[];
}

/** Starts the export of a hive's figures and of the spans of its records. */
export function startOtel(hive: Hive, report: (line: string) => void): OtelExporter {
  const { kernel, keys, live, config } = hive;
  const { "otel.endpoints": endpoints, "otel.every": every } = config.values;
  const session = kernel.attach(readOnly("otel", [file]), "otel");
  const exporter = new OtelExporter({
    endpoints,
    every,
    resource: { name: "skep", version, instance: keys.hive },
    clock: realClock,
    since: realClock.now(),
    families: () => familiesOf(session),
    report,
  });
  live.traced = (record) => {
    const span = spanOf(record, keys.hive, kernel.time.now());
    if (span) exporter.add(span);
  };
  return exporter;
}
