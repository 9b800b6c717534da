import { createServer, type IncomingMessage } from "node:http";
import { z } from "zod";

// The JSON form of opentelemetry-proto 1.x: lower camel case, 64-bit numbers as decimal strings, ids in hex, enums as
// numbers. Members that the protocol does not have are refused, which a real collector would let pass.
const uint64 = z.string().regex(/^\d{1,20}$/);
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d{1,19}$/) }),
  z.strictObject({ doubleValue: z.number() }),
]);
const attributes = z.array(z.strictObject({ key: z.string().min(1), value }));
const resource = z.strictObject({ attributes });
const scope = z.strictObject({ name: z.string(), version: z.string().optional() });
const times = { startTimeUnixNano: uint64, timeUnixNano: uint64 };
const number = z.strictObject({ ...times, attributes, asDouble: z.number() });
const histogram = z
  .strictObject({
    ...times,
    attributes,
    count: uint64,
    sum: z.number(),
    bucketCounts: z.array(uint64),
    explicitBounds: z.array(z.number()),
  })
  .refine(({ bucketCounts, explicitBounds }) => bucketCounts.length === explicitBounds.length + 1, "buckets")
  .refine(
    ({ bucketCounts, count }) => bucketCounts.reduce((sum, one) => sum + Number(one), 0) === Number(count),
  );
const temporality = z.literal([1, 2]);
const head = {
  name: z.string().regex(/^[A-Za-z][\w./-]{0,254}$/),
  description: z.string(),
  unit: z.string().max(63),
};
const metric = z.union([
  z.strictObject({ ...head, gauge: z.strictObject({ dataPoints: z.array(number).min(1) }) }),
  z.strictObject({
    ...head,
    sum: z.strictObject({
      dataPoints: z.array(number).min(1),
      aggregationTemporality: temporality,
      isMonotonic: z.boolean(),
    }),
  }),
  z.strictObject({
    ...head,
    histogram: z.strictObject({ dataPoints: z.array(histogram).min(1), aggregationTemporality: temporality }),
  }),
]);
const id = (digits: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${digits}}$`))
    .refine((text) => !/^0+$/.test(text), "an id of zeros is none");
const span = z
  .strictObject({
    traceId: id(32),
    spanId: id(16),
    parentSpanId: id(16).optional(),
    name: z.string().min(1),
    kind: z.int().min(0).max(5),
    startTimeUnixNano: uint64,
    endTimeUnixNano: uint64,
    attributes,
    status: z.strictObject({ code: z.int().min(0).max(2).optional(), message: z.string().optional() }),
  })
  .refine(
    ({ startTimeUnixNano, endTimeUnixNano }) => BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano),
    "time",
  );

const forms = {
  "/v1/metrics": z.strictObject({
    resourceMetrics: z.array(
      z.strictObject({
        resource,
        scopeMetrics: z.array(z.strictObject({ scope, metrics: z.array(metric) })),
      }),
    ),
  }),
  "/v1/traces": z.strictObject({
    resourceSpans: z.array(
      z.strictObject({ resource, scopeSpans: z.array(z.strictObject({ scope, spans: z.array(span) })) }),
    ),
  }),
};

/** A metric as it came. */
export type CollectedMetric = z.infer<typeof metric>;
/** A span as it came. */
export type CollectedSpan = z.infer<typeof span>;

/** An OpenTelemetry collector that takes nothing but what the protocol says, and keeps it. */
export interface Collector extends AsyncDisposable {
  readonly endpoint: string;
  readonly metrics: CollectedMetric[];
  readonly spans: CollectedSpan[];
  /** Everything that was sent, byte for byte. */
  readonly bodies: string[];
  /** What was wrong with requests that broke the contract. */
  readonly complaints: string[];
  /** Answers with this status instead of taking anything; undefined again to work. */
  status: number | undefined;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

function take(collector: Collector, path: string, body: string): void {
  const sent: unknown = JSON.parse(body);
  if (path === "/v1/metrics") {
    const { resourceMetrics } = forms["/v1/metrics"].parse(sent);
    for (const { scopeMetrics } of resourceMetrics)
      for (const { metrics } of scopeMetrics) collector.metrics.push(...metrics);
    return;
  }
  const { resourceSpans } = forms["/v1/traces"].parse(sent);
  for (const { scopeSpans } of resourceSpans)
    for (const { spans } of scopeSpans) collector.spans.push(...spans);
}

/** Starts one on a free port of loopback. */
export async function startCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    void (async () => {
      const { method, url = "", headers } = request;
      const body = await bodyOf(request);
      collector.bodies.push(body);
      try {
        if (method !== "POST" || !(url in forms)) throw new Error(`${method} ${url}`);
        if (headers["content-type"] !== "application/json") throw new Error(String(headers["content-type"]));
        if (collector.status === undefined) take(collector, url, body);
      } catch (wrong) {
        collector.complaints.push(String(wrong));
      }
      response.writeHead(collector.status ?? 200, { "Content-Type": "application/json" }).end("{}");
    })();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const at = server.address();
  const collector: Collector = {
    endpoint: `http://127.0.0.1:${typeof at === "object" && at ? at.port : 0}`,
    metrics: [],
    spans: [],
    bodies: [],
    complaints: [],
    status: undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return collector;
}
