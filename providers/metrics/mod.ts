export { type MetricsDeps, metricsProvider } from "./src/metrics.ts";
export { type Family, type Histogram, printFamilies, type Sample } from "./src/text.ts";
/** The same figures, and spans of records that carry a trace context, as OpenTelemetry's collectors take them. */
export { otlpMetrics, otlpTraces, type Resource, type Span } from "./src/otlp.ts";
