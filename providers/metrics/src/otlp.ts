import type { Family, Sample } from "./text.ts";

/** Who tells: the attributes of an OTLP resource. */
export interface Resource {
  readonly name: string;
  readonly version: string;
  /** Which of those with that name it is. */
  readonly instance: string;
}

/** One step of a trace, as OTLP has it. */
export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly began: number;
  readonly ended: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Code of the refusal; undefined where all went well. */
  readonly refused: string | undefined;
}

type JsonObject = Readonly<Record<string, unknown>>;

// 64-bit numbers are decimal strings in the JSON form of OTLP.
const nanos = (ms: number): string => `${BigInt(Math.round(ms)) * 1_000_000n}`;

function attributesOf(values: Readonly<Record<string, string | number>>): JsonObject[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}

function resourceOf({ name, version, instance }: Resource): JsonObject {
  const told = { "service.name": name, "service.version": version, "service.instance.id": instance };
  return { attributes: attributesOf(told) };
}

const scope = { name: "skep" };

function unitOf(name: string): string {
  const bare = name.replace(/_total$/, "");
  if (bare.endsWith("_seconds")) return "s";
  return bare.endsWith("_bytes") ? "By" : "1";
}

function metricOf({ name, help, kind, samples = [], histogram }: Family, time: JsonObject): JsonObject {
  const head = { name, description: help, unit: unitOf(name) };
  const points = samples.map(({ labels = {}, value }: Sample) => ({
    ...time,
    attributes: attributesOf(labels),
    asDouble: value,
  }));
  if (histogram) {
    const { bounds, counts, sum } = histogram;
    const count = String(counts.reduce((all, one) => all + one, 0));
    const point = {
      ...time,
      attributes: [],
      count,
      sum,
      bucketCounts: counts.map(String),
      explicitBounds: bounds,
    };
    return { ...head, histogram: { dataPoints: [point], aggregationTemporality: 2 } };
  }
  if (kind === "counter")
    return { ...head, sum: { dataPoints: points, aggregationTemporality: 2, isMonotonic: true } };
  return { ...head, gauge: { dataPoints: points } };
}

/** Figures as the body of an OTLP/HTTP request to `/v1/metrics` (opentelemetry-proto 1.x, JSON). Times in ms since 1970. */
export function otlpMetrics(
  families: readonly Family[],
  resource: Resource,
  { since, now }: { readonly since: number; readonly now: number },
): JsonObject {
  const time = { startTimeUnixNano: nanos(since), timeUnixNano: nanos(now) };
  // A figure that is no number now has no point: JSON has no NaN.
  const metrics = families
    .map((family) => ({
      ...family,
      samples: family.samples?.filter(({ value }) => Number.isFinite(value)) ?? [],
    }))
    .filter(({ samples, histogram }) => samples.length > 0 || histogram)
    .map((family) => metricOf(family, time));
  return { resourceMetrics: [{ resource: resourceOf(resource), scopeMetrics: [{ scope, metrics }] }] };
}

const internal = 1;
const failed = 2;

/** Spans as the body of an OTLP/HTTP request to `/v1/traces`. */
export function otlpTraces(spans: readonly Span[], resource: Resource): JsonObject {
  const told = spans.map(({ traceId, spanId, parentSpanId, name, began, ended, attributes, refused }) => ({
    traceId,
    spanId,
    parentSpanId,
    name,
    kind: internal,
    startTimeUnixNano: nanos(began),
    endTimeUnixNano: nanos(ended),
    attributes: attributesOf(attributes),
    status: refused === undefined ? {} : { code: failed, message: refused },
  }));
  return { resourceSpans: [{ resource: resourceOf(resource), scopeSpans: [{ scope, spans: told }] }] };
}
