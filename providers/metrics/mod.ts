export { type MetricsDeps, metricsProvider } from "./src/metrics.ts";
export { type Family, type Histogram, printFamilies, type Sample } from "./src/text.ts";
